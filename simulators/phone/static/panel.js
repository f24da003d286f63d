// The side panel: faults, time, more phones. What a switch shows is what the server said last.

import { h, money } from './dom.js';
import { NAIROBI, nowMs, spanOf } from './moments.js';
import { Templates } from './templates.js';

const SURE_MS = 4000;

const find = (id) => document.getElementById(id);
const isOn = (value) => Boolean(value);

function grouped(faults, keyOf) {
  const groups = new Map();
  for (const fault of faults) groups.set(keyOf(fault), [...(groups.get(keyOf(fault)) ?? []), fault]);
  return groups;
}

export class Panel {
  #controls = new Map(); // fault name → {show(value), isPending, settledAt}
  #groups = []; // {names, node}: how many of these faults are on is written there
  #on = [];
  #opener = null;

  /** `actions`: `putFaults({name: value})`, `advance(seconds)`, `addCustomer({name, msisdn, hidden})`, `reset()`,
   * `contents()`, `decide(sid, status)`: all promises. */
  constructor(actions) {
    this.actions = actions;
    this.node = find('panel');
    for (const button of document.querySelectorAll('[data-advance-s]')) {
      button.addEventListener('click', () => this.#try(() => actions.advance(Number(button.dataset.advanceS))));
    }
    find('all-off').addEventListener('click', () => this.#try(() => actions.putFaults(Object.fromEntries(this.#on.map((name) => [name, 0])))));
    find('add-person').addEventListener('submit', (event) => {
      event.preventDefault();
      const form = event.target;
      const { name, msisdn, hidden } = form.elements;
      this.#try(async () => {
        await actions.addCustomer({ name: name.value.trim(), msisdn: msisdn.value.trim(), hidden: hidden.checked });
        form.reset();
        form.closest('details').open = false;
      });
    });
    this.templates = new Templates(actions, (action) => this.#try(action));
    this.#listenToReset();
    this.#listenToDrawer();
  }

  /** All faults, each `{name, provider, topic, kind, value, title, description, most}`, in the order of the page. */
  setFaults(faults) {
    this.#controls.clear();
    this.#groups = [];
    const isOpen = new Map([...find('faults').querySelectorAll('details')].map((group) => [group.dataset.key, group.open]));
    const providers = grouped(faults, (fault) => fault.provider);
    find('faults').replaceChildren(...[...providers].map(([title, own], place) => this.#provider(title, own, place === 0, isOpen)));
    this.#count();
  }

  update(state, startedAt) {
    this.#on = Object.keys(state.faults).filter((name) => isOn(state.faults[name]));
    const on = this.#on.length;
    for (const [name, value] of Object.entries(state.faults)) {
      const control = this.#controls.get(name);
      // An answer that was asked for before the switch was thrown knows nothing of it.
      if (control && !control.isPending && startedAt >= control.settledAt) control.show(value);
    }
    this.#count();
    find('fault-badge').hidden = on === 0;
    find('fault-badge').textContent = String(on);
    find('fault-badge').setAttribute('aria-label', `(${on} on)`);
    find('all-off').hidden = on === 0;
    find('all-off').textContent = on === 1 ? 'Switch it off again' : `Switch all ${on} off`;
    find('pushes').textContent = String(state.pushes);
    find('callbacks').textContent = String(state.callbacks);
    find('clock-offset').hidden = !state.clock_offset_s;
    find('clock-offset').textContent = `${spanOf(state.clock_offset_s)} ahead`;
  }

  /** Prompts that ring on a number that none of the phones has. */
  setStrays(prompts) {
    const key = prompts.map((prompt) => prompt.id).join();
    if (key === this.straysKey) return;
    this.straysKey = key;
    find('strays').replaceChildren(
      ...prompts.map(({ msisdn, amount_minor: amount, currency }) => h('p', { class: 'stray' }, `A PIN prompt for ${money(amount, currency)} rings on ${msisdn}. Add that phone to answer it.`)),
    );
  }

  tick() {
    find('clock-now').textContent = NAIROBI.dayAndTimeOf(nowMs());
    this.templates.tick();
  }

  // — a group that can be folded for each provider, and in it one for each topic that is not the usual —

  #provider(title, faults, isFirst, isOpen) {
    const topics = grouped(faults, (fault) => fault.topic);
    const usual = topics.get('') ?? [];
    topics.delete('');
    const group = this.#folded('provider', title, faults, isOpen.get(title) ?? isFirst);
    group.append(...usual.map((fault) => this.#fault(fault)));
    for (const [topic, own] of topics) {
      const key = `${title}/${topic}`;
      const inner = this.#folded('more', topic, own, isOpen.get(key) ?? false, key);
      inner.append(...own.map((fault) => this.#fault(fault)));
      group.append(inner);
    }
    return group;
  }

  #folded(kind, title, faults, isOpen, key = title) {
    const node = h('span', { class: 'on-count' });
    const details = h('details', { class: kind, open: isOpen || faults.some((fault) => isOn(fault.value)) }, h('summary', {}, h('span', {}, title), node));
    details.dataset.key = key;
    this.#groups.push({ names: faults.map((fault) => fault.name), node });
    return details;
  }

  #count() {
    for (const { names, node } of this.#groups) {
      const on = names.filter((name) => this.#on.includes(name)).length;
      const words = on ? `${on} on` : String(names.length);
      if (node.textContent !== words) node.textContent = words;
      node.classList.toggle('is-on', on > 0);
    }
  }

  #fault(fault) {
    const isNumber = fault.kind === 'count' || fault.kind === 'seconds';
    const row = h(isNumber ? 'div' : 'label', { class: 'fault' }, h('span', { class: 'fault-title' }, fault.title));
    const control = { isPending: false, settledAt: 0, show: () => {} };
    const put = (value) => this.#put({ [fault.name]: value }, control);
    const input = isNumber ? this.#stepper(row, fault, put) : h('input', { type: 'checkbox', class: 'switch', role: 'switch', onchange: () => put(input.checked) });
    input.name = fault.name;
    if (!isNumber) row.append(input);
    row.append(h('span', { class: 'fault-text' }, fault.description));
    control.show = (value) => {
      row.classList.toggle('is-on', isOn(value));
      if (!isNumber) input.checked = isOn(value);
      else if (document.activeElement !== input || !isOn(value)) input.value = value === true ? '∞' : String(Number(value));
    };
    control.show(fault.value);
    this.#controls.set(fault.name, control);
    return row;
  }

  #stepper(row, fault, put) {
    const { title, most } = fault;
    const isSeconds = fault.kind === 'seconds';
    const unit = isSeconds ? 'seconds' : 'how many times';
    const input = h('input', { type: 'text', inputMode: 'numeric', autocomplete: 'off', maxLength: 6, 'aria-label': `${title}: ${unit}`, title: unit });
    const read = () => Math.min(most, Math.max(0, parseInt(input.value, 10) || 0));
    const change = (value) => {
      input.value = String(value);
      put(value);
    };
    input.addEventListener('change', () => change(read()));
    const step = isSeconds ? 5 : 1;
    const stepper = h('span', { class: 'stepper', role: 'group', 'aria-label': title },
      h('button', { type: 'button', 'aria-label': isSeconds ? '5 seconds less' : 'Once less', onclick: () => change(Math.max(0, read() - step)) }, '−'),
      input,
      h('button', { type: 'button', 'aria-label': isSeconds ? '5 seconds more' : 'Once more', onclick: () => change(Math.min(most, read() + step)) }, '+'));
    row.append(stepper);
    return input;
  }

  async #put(changes, control) {
    control.isPending = true;
    await this.#try(() => this.actions.putFaults(changes));
    control.isPending = false;
    control.settledAt = performance.now();
  }

  async #try(action) {
    const problem = find('panel-error');
    problem.hidden = true;
    try {
      await action();
    } catch (error) {
      problem.textContent = error.message;
      problem.hidden = false;
      problem.scrollIntoView({ block: 'nearest' });
    }
  }

  #listenToReset() {
    const button = find('reset');
    const calm = button.textContent;
    let timer = null;
    const calmDown = () => {
      button.textContent = calm;
      button.classList.remove('is-sure');
    };
    button.addEventListener('click', () => {
      clearTimeout(timer);
      if (button.classList.contains('is-sure')) {
        calmDown();
        this.#try(() => this.actions.reset());
        return;
      }
      button.classList.add('is-sure');
      button.textContent = 'Press again to clear';
      timer = setTimeout(calmDown, SURE_MS);
    });
  }

  // — the drawer, on screens where the panel does not fit beside the phones —

  #listenToDrawer() {
    this.#opener = find('open-panel');
    this.#opener.addEventListener('click', () => this.#open(true));
    find('close-panel').addEventListener('click', () => this.#open(false));
    find('scrim').addEventListener('click', () => this.#open(false));
    this.node.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && this.node.classList.contains('is-open')) this.#open(false);
    });
    matchMedia('(min-width: 1180px) and (min-height: 500px)').addEventListener('change', (query) => query.matches && this.#open(false));
  }

  #open(isOpen) {
    const wasOpen = this.node.classList.contains('is-open');
    this.node.classList.toggle('is-open', isOpen);
    find('scrim').hidden = !isOpen;
    find('phones').inert = isOpen;
    document.querySelector('.switcher').inert = isOpen;
    this.#opener.setAttribute('aria-expanded', String(isOpen));
    if (isOpen) find('close-panel').focus();
    else if (wasOpen) this.#opener.focus();
  }
}
