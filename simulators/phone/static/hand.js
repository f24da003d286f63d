// What a person pays without being asked on the phone: references and tickets, as at a cash machine, and an M-Pesa till.

import { h, money } from './dom.js';
import { clockOf } from './moments.js';

const MPESA_NUMBER = /^\d{5,7}$/; // a merchant of e-Kwanza has a longer one

const inThrees = (digits) => digits.replace(/(\d{3})(?=\d)/g, '$1\u00a0');

/** Cents from "1234", "1234.5" or "1234,50"; null where it is no amount. */
function minorOf(text) {
  const match = /^(\d{1,7})(?:[.,](\d{1,2}))?$/.exec(text.trim());
  return match ? Number(match[1]) * 100 + Number((match[2] ?? '').padEnd(2, '0')) : null;
}

export class HandSheet {
  #key = '';
  #opener;

  /** `actions`: `payReference(id, {action, payer, amount_minor})` and `payTill({…})`, both promises. */
  constructor(phone, actions) {
    this.phone = phone;
    this.actions = actions;
    const find = (selector) => phone.node.querySelector(selector);
    this.node = find('.hand');
    this.said = find('.hand-said');
    this.list = find('.references');
    this.nothing = find('.no-references');
    this.mpesa = find('.mpesa-by-hand');
    this.till = find('form.till');
    this.tills = find('.tills');
    this.#opener = find('.open-hand');
    this.#opener.addEventListener('click', () => this.#open(true));
    find('.close-hand').addEventListener('click', () => this.#open(false));
    this.node.addEventListener('keydown', (event) => event.key === 'Escape' && this.#open(false));
    this.till.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#payTill();
    });
  }

  /** Everything that can be paid now; `tills`: `[{number, name}]` that are known by name. */
  receive(references, tills) {
    const key = JSON.stringify([references, tills]);
    if (key === this.#key) return;
    this.#key = key;
    this.nothing.hidden = references.length > 0;
    // What somebody is typing into is neither drawn again nor moved, or it would lose the focus.
    const kept = new Map([...this.list.children].map((item) => [item.dataset.key, item]));
    const items = references.map((one) => kept.get(JSON.stringify(one)) ?? this.#item(one));
    for (const item of kept.values()) if (!items.includes(item)) item.remove();
    let place = this.list.firstElementChild;
    for (const item of items) {
      if (item === place) place = place.nextElementSibling;
      else this.list.insertBefore(item, place);
    }
    const own = tills.filter(({ number }) => MPESA_NUMBER.test(number));
    this.tills.textContent = own.length ? `Known here: ${own.map(({ number, name }) => `${number} ${name}`).join(', ')}.` : '';
    const number = this.till.elements.shortcode;
    if (!number.value && own.length) number.value = own[0].number;
  }

  get isOpen() {
    return !this.node.hidden;
  }

  #open(isOpen) {
    this.node.hidden = !isOpen;
    this.phone.settle();
    if (isOpen) {
      this.mpesa.hidden = this.phone.customer.msisdn?.startsWith('244') ?? false;
      this.#say('');
      this.node.querySelector('.close-hand').focus({ preventScroll: true });
    } else {
      this.#opener.focus({ preventScroll: true });
    }
  }

  #item(one) {
    const amount = money(one.amount_minor, one.currency);
    const isExpired = one.state === 'expired';
    const numbers = one.kind === 'ticket'
      ? h('p', {}, 'Ticket ', h('b', {}, inThrees(one.reference)))
      : h('p', {}, 'Entity ', h('b', {}, one.entity), ' · reference ', h('b', {}, inThrees(one.reference)));
    const when = clockOf(this.phone.customer).dayAndTimeOf(Date.parse(one.expires_at));
    const item = h('li', { class: isExpired ? 'is-expired' : '' },
      h('p', { class: 'owed' }, h('bdi', {}, one.business), h('b', {}, amount)),
      numbers,
      h('p', { class: 'fine' }, isExpired ? `Expired ${when}, and can be paid all the same` : `Until ${when}`),
      h('button', { type: 'button', class: 'solid-button', onclick: (event) => this.#payReference(one, null, event.target.closest('li')) }, `Pay ${amount}`));
    if (one.takes_other_amounts) item.append(this.#otherAmount(one));
    item.dataset.key = JSON.stringify(one);
    return item;
  }

  #otherAmount(one) {
    const input = h('input', { inputMode: 'decimal', maxLength: 10, autocomplete: 'off', 'aria-label': `Another amount, ${one.currency}`, placeholder: one.currency });
    const form = h('form', { autocomplete: 'off' }, input, h('button', { type: 'submit', class: 'quiet' }, 'Pay this'));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      const amount = minorOf(input.value);
      if (amount) this.#payReference(one, amount, form.closest('li'));
      else this.#say('Type an amount such as 1500 or 1500.50.', true);
    });
    return h('details', {}, h('summary', {}, 'Another amount'), form);
  }

  async #payReference(one, amountMinor, item) {
    const content = { action: 'pay', payer: this.phone.customer.msisdn, amount_minor: amountMinor };
    await this.#try(item, async () => {
      const paid = await this.actions.payReference(one.id, content);
      return `Paid ${money(paid.paid_minor, paid.currency)} to ${paid.business}.`;
    });
  }

  async #payTill() {
    const { shortcode, account, amount } = this.till.elements;
    if (!this.phone.customer.msisdn?.startsWith('254')) {
      this.#say('This phone has no number in Kenya, so it has no M-PESA.', true);
      return;
    }
    const content = { shortcode: shortcode.value.trim(), account_reference: account.value.trim(), amount_whole: Number(amount.value), payer: this.phone.customer.msisdn };
    await this.#try(this.till, async () => {
      const paid = await this.actions.payTill(content);
      amount.value = '';
      const what = `${money(paid.amount_whole * 100, 'KES')} to ${paid.shortcode}${paid.account_reference ? ` for account ${paid.account_reference}` : ''}`;
      return paid.state === 'checking' ? `M-PESA asks the shop before it sends ${what}.` : `${paid.id} Confirmed. ${what}.`;
    });
  }

  async #try(place, action) {
    const buttons = place.querySelectorAll('button');
    buttons.forEach((button) => (button.disabled = true));
    try {
      this.#say(await action());
    } catch (error) {
      this.#say(error.message, true);
    } finally {
      buttons.forEach((button) => (button.disabled = false));
    }
  }

  #say(words, isBad = false) {
    this.said.textContent = words;
    this.said.hidden = !words;
    this.said.classList.toggle('is-bad', isBad);
    if (words) this.said.scrollIntoView({ block: 'nearest' });
  }
}
