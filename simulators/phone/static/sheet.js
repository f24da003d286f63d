// A sheet that rises over one phone: the items of a list, or places to send. One tap chooses and closes it.

import { h, icon } from './dom.js';

export class Sheet {
  #opener = null;

  constructor(phone) {
    this.phone = phone;
    this.node = phone.node.querySelector('.sheet');
    this.title = this.node.querySelector('.sheet-title');
    this.items = this.node.querySelector('.sheet-items');
    this.node.querySelector('.close-sheet').addEventListener('click', () => this.close());
    this.node.addEventListener('click', (event) => event.target === this.node && this.close());
    this.node.addEventListener('keydown', (event) => event.key === 'Escape' && this.close());
  }

  get isOpen() {
    return !this.node.hidden;
  }

  /** `items`: `[{title, description, choose()}]`. */
  open(title, items, opener) {
    this.#opener = opener;
    this.title.textContent = title;
    this.node.querySelector('.sheet-card').setAttribute('aria-label', title);
    this.items.replaceChildren(...items.map((item) => h('li', {}, this.#item(item))));
    this.items.scrollTop = 0;
    this.node.hidden = false;
    this.phone.settle();
    this.items.querySelector('button').focus({ preventScroll: true });
  }

  close() {
    if (this.node.hidden) return;
    this.node.hidden = true;
    this.phone.settle();
    if (this.#opener?.isConnected) this.#opener.focus({ preventScroll: true });
    else this.phone.focusChat();
  }

  #item({ title, description, choose }) {
    const choosing = () => {
      this.close();
      choose();
    };
    const words = h('span', { class: 'item-words', dir: 'auto' }, h('b', {}, title));
    if (description) words.append(h('small', {}, description));
    return h('button', { type: 'button', onclick: choosing }, words, icon('chosen'));
  }
}
