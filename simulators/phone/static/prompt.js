// The prompt of M-Pesa or Multicaixa Express over one phone, and the text message that tells how it ended.

import { fromTemplate, h, icon, isTouch, money } from './dom.js';
import { clockOf, countdown, nowMs } from './moments.js';

const SMS_MS = 12_000;
const PIN_LENGTH = 4;
const SHORT_MS = 10_000;
const BRANDS = { mpesa: 'M-PESA', multicaixa: 'Multicaixa Express' };
let dialogCount = 0;

/** What the wire carried, for people: e-Kwanza's descriptions hold no spaces, so the shop writes underscores there. */
const purposeOf = (prompt) => (prompt.provider === 'mpesa' ? prompt.account_reference : prompt.account_reference.replaceAll('_', ' '));

const brandOf = (prompt) => BRANDS[prompt.provider] ?? prompt.provider;

export class PromptLayer {
  #prompts = new Map();
  #open = null; // {prompt, form}
  #putAside = new Set();

  /** `act(prompt, content)` is a promise of the person's decision being taken. */
  constructor(phone, act) {
    this.phone = phone;
    this.act = act;
    const find = (selector) => phone.node.querySelector(selector);
    this.overlay = find('.overlay');
    this.banner = find('.waiting');
    this.sms = find('.sms');
    this.banner.querySelector('button').addEventListener('click', () => {
      this.#putAside.clear();
      this.#choose(true);
    });
  }

  get isOpen() {
    return this.#open !== null;
  }

  get isWaiting() {
    return this.#waiting().length > 0;
  }

  /** Prompts that are new or changed; in a snapshot, what it does not hold is gone. */
  receive(prompts, isSnapshot) {
    if (isSnapshot) {
      const keep = new Set(prompts.map((prompt) => prompt.id));
      for (const id of this.#prompts.keys()) if (!keep.has(id)) this.#prompts.delete(id);
    }
    for (const prompt of prompts) {
      const before = this.#prompts.get(prompt.id);
      if (before && before.seq > prompt.seq) continue;
      this.#prompts.set(prompt.id, prompt);
      if (before?.state === 'waiting' && prompt.state !== 'waiting') this.#tell(prompt);
    }
    this.#choose(false);
  }

  clear() {
    this.#prompts.clear();
    this.#putAside.clear();
    this.sms.replaceChildren();
    this.#choose(false);
  }

  tick() {
    const prompt = this.#waiting()[0];
    if (!prompt) return;
    const left = Date.parse(prompt.expires_at) - nowMs();
    this.banner.querySelector('.waiting-text').textContent = `${brandOf(prompt)} asks for a PIN · ${countdown(left)}`;
    if (!this.#open) return;
    const time = this.#open.form.querySelector('.prompt-time');
    time.textContent = countdown(left);
    time.classList.toggle('is-short', left < SHORT_MS);
  }

  #waiting() {
    return [...this.#prompts.values()].filter((prompt) => prompt.state === 'waiting').sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  }

  #choose(isAsked) {
    const waiting = this.#waiting();
    const next = waiting.find((prompt) => !this.#putAside.has(prompt.id)) ?? null;
    this.banner.hidden = !waiting.length || next !== null;
    if (this.#open?.prompt.id !== next?.id) this.#show(next, isAsked);
    this.tick();
  }

  #show(prompt, isAsked) {
    // A prompt takes the focus on its own phone, never from somebody who is busy on another.
    const takesFocus = isAsked || this.phone.holdsFocus || (document.activeElement === document.body && this.phone.isShown);
    this.#open = prompt && { prompt, form: this.#build(prompt) };
    this.overlay.replaceChildren(...(this.#open ? [this.#open.form] : []));
    this.overlay.hidden = !prompt;
    this.phone.settle();
    if (!takesFocus) return;
    if (prompt) this.#open.form.querySelector('.pin-input').focus({ preventScroll: true });
    else this.phone.focusChat();
  }

  #build(prompt) {
    const form = fromTemplate('prompt-template');
    const find = (selector) => form.querySelector(selector);
    const amount = money(prompt.amount_minor, prompt.currency);
    const text = find('.prompt-text');
    text.id = `prompt-${(dialogCount += 1)}`;
    text.append('Pay ', h('span', { class: 'amount' }, amount), ' to ', h('bdi', {}, prompt.business), ' ');
    text.append(...this.#details(prompt));
    find('.prompt-brand').textContent = brandOf(prompt);
    form.classList.add(`is-${prompt.provider}`);
    form.setAttribute('aria-label', brandOf(prompt));
    form.setAttribute('aria-describedby', text.id);
    find('.pin-input').addEventListener('input', () => this.#dots(form));
    if (isTouch.matches) this.#keypad(form);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      const pin = find('.pin-input').value;
      if (pin.length === PIN_LENGTH) this.#decide(prompt, form, { action: 'pin', pin });
      else this.#complain(form, `A PIN has ${PIN_LENGTH} digits.`);
    });
    find('.prompt-cancel').addEventListener('click', () => this.#decide(prompt, form, { action: 'cancel' }));
    find('.prompt-later').addEventListener('click', () => {
      this.#putAside.add(prompt.id);
      this.#choose(true);
    });
    find('.outcomes').addEventListener('click', (event) => {
      const action = event.target.closest('button')?.dataset.action;
      if (action) this.#decide(prompt, form, { action });
    });
    form.addEventListener('keydown', (event) => this.#key(event, prompt, form));
    return form;
  }

  #details(prompt) {
    const isMpesa = prompt.provider === 'mpesa';
    const details = [];
    if (prompt.account_reference) details.push(h('span', { class: 'detail' }, isMpesa ? 'account ' : 'for ', h('bdi', {}, purposeOf(prompt)), '?'));
    if (!isMpesa && prompt.reference) details.push(h('span', { class: 'detail' }, 'Reference ', h('bdi', {}, prompt.reference)));
    return details;
  }

  #key(event, prompt, form) {
    if (event.key === 'Escape') {
      event.preventDefault();
      this.#decide(prompt, form, { action: 'cancel' });
    }
    if (event.key !== 'Tab') return;
    const stops = [...form.querySelectorAll('button, input')].filter((stop) => !stop.disabled && stop.offsetParent !== null);
    const [first, last] = [stops[0], stops.at(-1)];
    if (document.activeElement !== (event.shiftKey ? first : last)) return;
    event.preventDefault();
    (event.shiftKey ? last : first).focus();
  }

  #dots(form) {
    const input = form.querySelector('.pin-input');
    input.value = input.value.replace(/\D/g, '').slice(0, PIN_LENGTH);
    form.querySelectorAll('.pin-dots i').forEach((dot, place) => dot.classList.toggle('is-filled', place < input.value.length));
    form.querySelector('.prompt-error').textContent = '';
  }

  #keypad(form) {
    const input = form.querySelector('.pin-input');
    input.inputMode = 'none'; // the keypad below takes the place of the system's keyboard
    const press = (change) => () => {
      input.value = change(input.value);
      this.#dots(form);
    };
    const digit = (value) => h('button', { type: 'button', onclick: press((before) => before + value) }, value);
    form.querySelector('.keypad').append(
      ...[...'123456789'].map(digit),
      h('span'),
      digit('0'),
      h('button', { type: 'button', 'aria-label': 'Delete the last digit', onclick: press((before) => before.slice(0, -1)) }, icon('backspace')),
    );
  }

  async #decide(prompt, form, content) {
    if (form.dataset.isBusy) return;
    form.dataset.isBusy = 'yes';
    const buttons = form.querySelectorAll('button');
    buttons.forEach((button) => (button.disabled = true));
    try {
      await this.act(prompt, content);
      // The outcome comes with the next state; till then the buttons stay quiet.
    } catch (error) {
      buttons.forEach((button) => (button.disabled = false));
      delete form.dataset.isBusy;
      this.#complain(form, error.status === 409 ? 'Too late: this prompt is no longer waiting.' : error.message);
    }
  }

  #complain(form, words) {
    form.querySelector('.prompt-error').textContent = words;
    form.querySelector('.pin-input').focus({ preventScroll: true });
  }

  // — the text message —

  #tell(prompt) {
    const words = this.#ending(prompt);
    if (!words) return;
    const card = h('div', { class: `sms-card ${prompt.state === 'paid' ? 'is-paid' : 'is-unpaid'}`, dir: 'auto' }, h('b', {}, brandOf(prompt)), words);
    const close = h('button', { type: 'button', class: 'round', 'aria-label': 'Close this message', onclick: () => card.remove() }, icon('close'));
    card.append(close);
    this.sms.replaceChildren(card);
    const leave = () => (card.matches(':hover, :focus-within') ? setTimeout(leave, 2000) : card.remove());
    setTimeout(leave, SMS_MS);
  }

  #ending(prompt) {
    const clock = clockOf(this.phone.customer);
    const amount = money(prompt.amount_minor, prompt.currency);
    const { balance_whole: shillingsLeft, kwanza_minor: kwanzaLeft } = this.phone.customer;
    const balance = prompt.currency === 'KES' ? money(shillingsLeft * 100, 'KES') : money(kwanzaLeft, 'AOA');
    const account = prompt.account_reference ? ` for ${prompt.provider === 'mpesa' ? 'account ' : ''}${purposeOf(prompt)}` : '';
    switch (prompt.state) {
      case 'paid':
        return `${prompt.receipt} Confirmed. ${amount} sent to ${prompt.business}${account} on ${clock.dateOf(nowMs())} at ${clock.timeOf(nowMs())}.`
          + ` New ${prompt.provider === 'mpesa' ? 'M-PESA ' : ''}balance is ${balance}.`;
      case 'wrong_pin':
        return `Wrong PIN. ${amount} was not sent.`;
      case 'cancelled':
        return `You cancelled. ${amount} was not sent.`;
      case 'ignored':
        return `You left the request for ${amount} unanswered. It runs out by itself.`;
      case 'no_money':
        return `Failed. There is not enough money in your ${prompt.provider === 'mpesa' ? 'M-PESA' : 'account'} to pay ${amount}.`;
      case 'expired':
        return `Nobody answered in time. ${amount} was not sent.`;
      default:
        return '';
    }
  }
}
