// One customer's phone: the chat, what is typed into it, and what is still on its way.

import { bubble, contentKey, parts, stamp } from './bubble.js';
import { greetingOf, languageOf, rollSideways, suggestions } from './chips.js';
import { Composer } from './composer.js';
import { balanceOf, dialled, fromTemplate, h, initials, isTouch } from './dom.js';
import { HandSheet } from './hand.js';
import { clockOf, nowMs } from './moments.js';
import { placesOf } from './places.js';
import { PromptLayer } from './prompt.js';
import { Sheet } from './sheet.js';

const TYPING_MS = 12_000;
const NEAR_END_PX = 48;
let localCount = 0;

export class Phone {
  #entries = []; // {id, place, message, node, kept, isLocal}, in the order in which they are shown
  #byId = new Map();
  #dayNodes = new Map();
  #greetings = [];
  #greetingsText = '';
  #isAtEnd = true;
  #followedPx = 0; // how long the log was when its end was last scrolled to
  #unseen = 0;
  #typingUntil = 0;
  #isAway = false;
  #readUpTo = 0;
  #sending = Promise.resolve(); // one after another, or two quick messages could change places

  /** `actions`: `send(customer, {body, media, location})`, `tap(customer, message, place)`, `read(customer, place)`,
   * `act(prompt, content)`, `payReference(id, content)`, `payTill(content)`, all promises, and `changed()`. */
  constructor(customer, actions) {
    this.customer = customer;
    this.actions = actions;
    this.unread = 0;
    this.node = fromTemplate('phone-template');
    const find = (selector) => this.node.querySelector(selector);
    this.log = find('.log');
    this.pill = find('.pill');
    this.chips = find('.chips');
    this.composer = new Composer(find('.composer'), (body, media) => (media === 'location' ? this.#choosePlace() : this.send(body, media)));
    this.act = { tap: (message, place) => this.#tap(message, place), open: (message, opener) => this.#openList(message, opener), copy: (text) => navigator.clipboard?.writeText(text).catch(() => {}) };
    this.sheet = new Sheet(this);
    this.typing = h('div', { class: 'typing', 'aria-hidden': 'true' }, h('i'), h('i'), h('i'));
    this.hint = fromTemplate('hint-template');
    this.prompts = new PromptLayer(this, actions.act);
    this.hand = new HandSheet(this, actions);
    this.#listen();
    this.setCustomer(customer);
    this.#refresh();
  }

  setCustomer(customer) {
    this.customer = customer;
    const { name, msisdn, hidden: isHidden } = customer;
    this.node.setAttribute('aria-label', `${name}’s phone`);
    this.node.querySelector('.owner-name').textContent = name;
    this.node.querySelector('.owner-number').textContent = dialled(msisdn) + (isHidden ? ' (hidden)' : '');
    this.node.querySelector('.owner-balance').textContent = balanceOf(customer);
    this.node.querySelector('.save-chat').href = `/sim/transcript?customer=${encodeURIComponent(customer.address)}`;
    this.composer.input.setAttribute('aria-label', `Message from ${name}`);
    this.log.setAttribute('aria-label', `${name}’s chat with the shop`);
  }

  setGreetings(greetings) {
    const text = JSON.stringify(greetings);
    if (text === this.#greetingsText) return;
    this.#greetingsText = text;
    this.#greetings = greetings;
    this.hint.querySelector('.hint-greeting').textContent = greetings[0]?.text ?? 'HELP';
    this.#refresh();
  }

  setAway(isAway) {
    this.#isAway = isAway;
    this.#presence();
  }

  get isShown() {
    return this.node.offsetParent !== null && !document.hidden;
  }

  get holdsFocus() {
    return this.node.contains(document.activeElement);
  }

  /** Where the focus goes when something over the chat closes. A textarea would raise a touch screen's keyboard. */
  focusChat() {
    (isTouch.matches ? this.log : this.composer.input).focus({ preventScroll: true });
  }

  /** Messages that are new or changed. In a snapshot, what it does not hold is forgotten; a reset forgets also what
   * was never sent. */
  receive(messages, { isSnapshot, isReset }) {
    if (isSnapshot) this.#forget(new Set(messages.map((message) => message.id)), isReset);
    if (!isSnapshot && !messages.length) return;
    // What was said long ago is not read aloud when the page opens.
    this.log.setAttribute('aria-live', isSnapshot ? 'off' : 'polite');
    for (const message of messages) this.#put(message, !isSnapshot);
    this.#refresh();
  }

  /** Only one layer over the chat can be used at a time, and the chat below none of them. */
  settle() {
    this.node.querySelector('.chat').inert = this.prompts.isOpen || this.hand.isOpen || this.sheet.isOpen;
  }

  send(body, media = null, location = null) {
    const message = { body, media: location ? 'location' : media, location };
    return this.#say(message, () => this.actions.send(this.customer, { body, media, location }));
  }

  async #say(what, deliver) {
    const message = { id: `local-${(localCount += 1)}`, place: Infinity, seq: 0, direction: 'in', at: new Date(nowMs()).toISOString(), status: 'queued', error: null, ...what };
    const entry = this.#insert(message, true);
    entry.deliver = deliver;
    this.#expectReply();
    this.#isAtEnd = true;
    this.#refresh();
    const sent = this.#sending.then(deliver);
    this.#sending = sent.catch(() => {});
    try {
      const { id, place } = await sent;
      if (entry.isLocal && this.#byId.has(id)) this.#remove(entry);
      else if (entry.isLocal && this.#entries.includes(entry)) this.#settle(entry, id, place);
    } catch (error) {
      this.#typingUntil = 0;
      if (entry.isLocal) this.#show(entry, { ...entry.message, status: 'failed', error: error.message });
      entry.place = Math.max(0, ...this.#entries.map((other) => other.place).filter(Number.isFinite));
    }
    this.#refresh();
  }

  /** Twice a second: what depends on the time. */
  tick() {
    this.node.querySelector('.statusbar-time').textContent = clockOf(this.customer).timeOf(nowMs());
    this.prompts.tick();
    this.#showTyping();
    this.#read();
  }

  // — messages —

  #put(message, isLive) {
    const known = this.#byId.get(message.id);
    if (known) {
      if (message.seq >= known.message.seq) this.#show(known, { ...message, isResent: known.message.isResent });
      return;
    }
    if (message.direction === 'in') {
      // Ours, and the answer that names it is still under way: the same words cannot be shown twice.
      const own = this.#entries.find((entry) => entry.isLocal && entry.message.status === 'queued' && entry.message.body === message.body && entry.message.media === message.media);
      if (own) {
        this.#settle(own, message.id, message.place);
        this.#show(own, message);
        return;
      }
      if (isLive) this.#expectReply();
    }
    this.#insert(message, false);
    if (message.direction !== 'out') return;
    this.#typingUntil = 0;
    if (!isLive) return;
    if (!this.#isAtEnd) this.#unseen += 1;
    if (!this.isShown) this.unread += 1;
  }

  #insert(message, isLocal) {
    const entry = { id: message.id, place: message.place, message, node: bubble(message, this.act), isLocal, drawn: contentKey(message) };
    entry.kept = entry.node.childNodes.length;
    // The server decides the order; what it has not seen yet stands last.
    let index = this.#entries.length;
    while (index > 0 && this.#entries[index - 1].place > entry.place) index -= 1;
    this.log.insertBefore(entry.node, this.#entries[index]?.node ?? (this.typing.parentNode && this.typing));
    this.#entries.splice(index, 0, entry);
    this.#byId.set(entry.id, entry);
    this.#show(entry, message);
    return entry;
  }

  #show(entry, message) {
    this.#redraw(entry, message);
    const before = entry.shown;
    entry.message = message;
    entry.shown = [message.at, message.status, message.error, message.isResent].join();
    if (entry.shown === before) return;
    while (entry.node.childNodes.length > entry.kept) entry.node.lastChild.remove();
    entry.node.append(stamp(message, clockOf(this.customer), () => this.#sendAgain(entry)));
  }

  #sendAgain(entry) {
    if (entry.isLocal) this.#remove(entry);
    else this.#show(entry, { ...entry.message, isResent: true });
    const { body, media, location, reply_to: replyTo } = entry.message;
    const again = entry.deliver ?? (() => this.actions.send(this.customer, { body, media: location ? null : media, location }));
    this.#say({ body, media, location, reply_to: replyTo }, again); // a tap stays a tap
    this.focusChat();
  }

  #redraw(entry, message) {
    const key = contentKey(message);
    if (key === entry.drawn) return;
    entry.drawn = key;
    entry.shown = null;
    entry.node.replaceChildren(...parts(message, this.act));
    entry.kept = entry.node.childNodes.length;
  }

  // — what is tapped —

  #tap(message, place) {
    const { title } = message.content.options[place];
    this.#say({ body: title, media: null, reply_to: message.id }, () => this.actions.tap(this.customer, message, place));
  }

  #openList(message, opener) {
    const { options, button } = message.content;
    this.sheet.open(button, options.map(({ title, description }, place) => ({ title, description, choose: () => this.#tap(message, place) })), opener);
  }

  #choosePlace() {
    const places = placesOf(this.customer);
    this.sheet.open('Send a location', places.map((place) => ({ title: place.label, description: place.address, choose: () => this.send('', null, place) })), this.composer.attach);
  }

  /** What is on the screen is read: the shop hears of it. */
  #read() {
    if (!this.isShown) return;
    const last = this.#entries.findLast(({ message }) => message.direction === 'out' && message.status === 'delivered');
    if (!last || last.place <= this.#readUpTo) return;
    this.#readUpTo = last.place;
    this.actions.read(this.customer, last.place).catch(() => (this.#readUpTo = 0));
  }

  /** The server took it, under that id. */
  #settle(entry, id, place) {
    this.#byId.delete(entry.id);
    Object.assign(entry, { id, place, isLocal: false });
    this.#byId.set(id, entry);
  }

  #remove(entry) {
    this.#byId.delete(entry.id);
    this.#entries.splice(this.#entries.indexOf(entry), 1);
    entry.node.remove();
  }

  #forget(keep, isReset) {
    for (const entry of [...this.#entries]) {
      if (entry.isLocal ? isReset : !keep.has(entry.id)) this.#remove(entry);
    }
    if (isReset) {
      this.#typingUntil = 0;
      this.#unseen = 0;
      this.unread = 0;
      this.#readUpTo = 0;
      this.sheet.close();
      this.prompts.clear();
    }
  }

  // — how it looks —

  #refresh() {
    this.#days();
    this.#head();
    this.#suggest();
    this.#showTyping();
    if (this.#entries.length) this.hint.remove();
    else if (!this.hint.parentNode) this.log.append(this.hint);
    this.#follow();
    this.actions.changed();
  }

  #days() {
    const unused = new Map(this.#dayNodes);
    const clock = clockOf(this.customer);
    let before = null;
    for (const { message, node } of this.#entries) {
      const at = Date.parse(message.at);
      const day = clock.dayOf(at);
      const isNewDay = before === null || clock.dayOf(Date.parse(before.at)) !== day;
      if (isNewDay) {
        if (!this.#dayNodes.has(day)) this.#dayNodes.set(day, h('div', { class: 'day' }));
        const separator = this.#dayNodes.get(day);
        unused.delete(day);
        if (separator.textContent !== clock.dayName(at)) separator.textContent = clock.dayName(at);
        if (node.previousSibling !== separator) node.before(separator);
      }
      node.classList.toggle('is-followed', !isNewDay && before.direction === message.direction);
      before = message;
    }
    for (const [day, separator] of unused) {
      separator.remove();
      this.#dayNodes.delete(day);
    }
  }

  /** The shop that this chat is with: the one greeted last, or named last by the shop itself. */
  #greeting() {
    return greetingOf(this.#greetings, this.#entries.map(({ message }) => message));
  }

  #head() {
    const name = this.#greeting()?.name ?? 'Dukani';
    const title = this.node.querySelector('.shop-name');
    if (title.textContent === name) return;
    title.textContent = name;
    this.node.querySelector('.avatar').textContent = initials(name);
  }

  #presence() {
    const isTyping = performance.now() < this.#typingUntil;
    const words = this.#isAway ? 'reconnecting…' : isTyping ? 'typing…' : 'online';
    const node = this.node.querySelector('.presence');
    if (node.textContent !== words) node.textContent = words;
  }

  #expectReply() {
    this.#typingUntil = performance.now() + TYPING_MS;
  }

  #showTyping() {
    const isTyping = performance.now() < this.#typingUntil && !this.#isAway;
    this.#presence();
    if (isTyping === Boolean(this.typing.parentNode)) {
      if (isTyping && this.log.lastChild !== this.typing) this.log.append(this.typing);
      return;
    }
    if (isTyping) this.log.append(this.typing);
    else this.typing.remove();
    this.#follow();
  }

  #suggest() {
    const { msisdn, hidden: isHidden } = this.customer;
    const own = isHidden ? dialled(msisdn) : ''; // what a shop that does not see it may ask for
    const messages = this.#entries.map(({ message }) => message);
    const language = languageOf(messages); // how it is read aloud, and spelt
    if (this.log.lang !== language) this.log.lang = this.composer.input.lang = language;
    const chips = suggestions(this.#greetings, this.#greeting()?.text, messages, own);
    const key = JSON.stringify(chips);
    if (key === this.chipsKey) return;
    this.chipsKey = key;
    const focused = this.chips.contains(document.activeElement) ? document.activeElement.textContent : null;
    this.chips.replaceChildren(
      ...chips.map(({ text, isOffered }) => h('button', { type: 'button', class: isOffered ? 'is-offered' : '', onclick: () => this.send(text) }, text)),
    );
    this.chips.scrollLeft = 0;
    if (focused === null) return;
    const again = [...this.chips.children].find((chip) => chip.textContent === focused) ?? this.chips.firstElementChild;
    again.focus({ preventScroll: true });
  }

  // — scrolling —

  #follow() {
    if (this.#isAtEnd) {
      this.#unseen = 0;
      this.#followedPx = this.log.scrollHeight;
      this.log.scrollTop = this.#followedPx;
    }
    this.pill.hidden = this.#isAtEnd;
    this.pill.querySelector('span').textContent = this.#unseen ? `${this.#unseen} new ${this.#unseen === 1 ? 'message' : 'messages'}` : 'Latest';
  }

  /** The person can see this phone now. */
  seen() {
    this.unread = 0;
    this.#follow();
  }

  // — what the person does —

  #listen() {
    let height = 0;
    this.log.addEventListener('scroll', () => {
      const isAtEnd = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < NEAR_END_PX;
      // While the log changes its height, it scrolls without anybody having scrolled.
      if (isAtEnd === this.#isAtEnd || this.log.clientHeight !== height) return;
      // Nor when a picture has just grown, whose `load` is still to come.
      this.#isAtEnd = isAtEnd || this.log.scrollHeight !== this.#followedPx;
      this.#follow();
    }, { passive: true });
    // A picture that has loaded is taller than one that has not.
    this.log.addEventListener('load', () => this.#follow(), { capture: true });
    new ResizeObserver(() => {
      // A keyboard, a rotated screen or a taller composer takes room: stay with the newest message.
      height = this.log.clientHeight;
      this.#follow();
    }).observe(this.log);
    this.pill.addEventListener('click', () => {
      this.#isAtEnd = true;
      this.#follow();
      this.log.focus({ preventScroll: true });
    });
    rollSideways(this.chips);
  }
}
