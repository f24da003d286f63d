// The templates that the shop submitted, and what WhatsApp thinks of them: a choice for the person at the page.

import { h } from './dom.js';

const LOOK_MS = 2500;
const STATES = ['received', 'pending', 'approved', 'rejected', 'paused', 'disabled'];

const find = (id) => document.getElementById(id);

export class Templates {
  #key = '';
  #lookedAt = -Infinity;

  /** `actions`: `contents()` and `decide(sid, status)`, promises; `attempt(action)` runs one and shows what went wrong. */
  constructor(actions, attempt) {
    this.actions = actions;
    this.attempt = attempt;
    this.node = find('templates');
    this.node.addEventListener('toggle', () => this.#look());
  }

  /** Twice a second; asks only while somebody looks. */
  tick() {
    if (this.node.open && this.node.offsetParent !== null && performance.now() - this.#lookedAt > LOOK_MS) this.#look();
  }

  async #look() {
    this.#lookedAt = performance.now();
    try {
      this.#show((await this.actions.contents()).contents);
    } catch {
      // The poller sees it too and says so.
    }
  }

  #show(contents) {
    const submitted = contents.filter((content) => content.status !== 'unsubmitted');
    const key = JSON.stringify(contents);
    const list = find('template-list');
    // Nothing moves under a finger that is choosing.
    if (key === this.#key || list.contains(document.activeElement)) return;
    this.#key = key;
    find('template-count').textContent = String(submitted.length);
    const others = contents.length - submitted.length;
    list.replaceChildren(...submitted.map((content) => this.#template(content)));
    if (others) list.append(h('li', { class: 'fine' }, `${others} more without approval, for use inside a chat.`));
    if (!contents.length) list.append(h('li', { class: 'fine' }, 'The shop has not made any yet.'));
  }

  #template({ sid, name, template, language, type, status }) {
    const choice = h('select', { 'aria-label': `What WhatsApp thinks of ${template}` }, ...STATES.map((state) => h('option', { value: state, selected: state === status }, state)));
    choice.addEventListener('change', () => {
      choice.blur();
      this.attempt(() => this.actions.decide(sid, choice.value)).then(() => this.#look());
    });
    return h('li', { class: `template is-${status}` }, h('span', {}, h('b', {}, template || name), h('small', {}, `${type.split('/')[1]} · ${language}`)), choice);
  }
}
