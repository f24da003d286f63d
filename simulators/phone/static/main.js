// The page: a phone for each customer, the panel beside them, and one poller that feeds both.

import { call, Poller } from './api.js';
import { Phone } from './chat.js';
import { balanceOf, h } from './dom.js';
import { setNow } from './moments.js';
import { Panel } from './panel.js';

const TICK_MS = 500;
const find = (id) => document.getElementById(id);
const isWide = matchMedia('(min-width: 700px) and (min-height: 500px)');

const phones = new Map(); // address → Phone
const tabs = new Map(); // address → button
const strays = new Map(); // prompt id → prompt
let current = null; // whose phone a narrow screen shows
let isShopAway = false;

const poller = new Poller(show, setAway);

async function change(method, path, body) {
  try {
    return await call(method, path, body);
  } finally {
    poller.soon();
  }
}

const phoneActions = {
  send: (customer, what) => change('POST', '/sim/messages', { customer: customer.address, ...what }),
  tap: (customer, message, option) => change('POST', '/sim/taps', { customer: customer.address, message: message.id, option }),
  read: (customer, place) => call('POST', '/sim/read', { customer: customer.address, place }),
  act: (prompt, content) => change('POST', `/sim/prompts/${encodeURIComponent(prompt.id)}`, content),
  payReference: (id, content) => change('POST', `/sim/references/${encodeURIComponent(id)}`, content),
  payTill: (content) => change('POST', '/sim/till', content),
  changed: showTabs,
};

const panel = new Panel({
  putFaults: (changes) => change('PUT', '/sim/faults', changes),
  advance: (seconds) => change('POST', '/sim/clock', { advance_s: seconds }),
  addCustomer: (customer) => change('POST', '/sim/customers', customer),
  reset: () => change('POST', '/sim/reset', {}),
  contents: () => call('GET', '/sim/contents'),
  decide: (sid, status) => change('PUT', `/sim/contents/${encodeURIComponent(sid)}`, { status }),
});

function show(state, { isSnapshot, isReset, startedAt }) {
  setNow(state.now);
  if (isSnapshot) loadFaults();
  setCustomers(state.customers);
  if (isReset) strays.clear();
  const messages = grouped(state.messages, (message) => message.customer);
  const prompts = grouped(state.prompts, (prompt) => ownerOf(prompt)?.customer.address ?? null);
  for (const [address, phone] of phones) {
    phone.setGreetings(state.greetings);
    phone.receive(messages.get(address) ?? [], { isSnapshot, isReset });
    phone.prompts.receive(prompts.get(address) ?? [], isSnapshot);
    phone.hand.receive(state.references, state.tills);
  }
  for (const prompt of prompts.get(null) ?? []) strays.set(prompt.id, prompt);
  panel.setStrays([...strays.values()].filter((prompt) => prompt.state === 'waiting'));
  panel.update(state, startedAt);
  find('phones').setAttribute('aria-busy', 'false');
  tick();
}

function grouped(items, keyOf) {
  const groups = new Map();
  for (const item of items) {
    const key = keyOf(item);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(item);
  }
  return groups;
}

function ownerOf(prompt) {
  return phones.get(prompt.customer) ?? [...phones.values()].find((phone) => phone.customer.msisdn === prompt.msisdn);
}

function setCustomers(customers) {
  for (const [address, phone] of phones) {
    if (customers.some((customer) => customer.address === address)) continue;
    phone.node.remove();
    tabs.get(address).remove();
    phones.delete(address);
    tabs.delete(address);
  }
  for (const customer of customers) {
    if (phones.has(customer.address)) phones.get(customer.address).setCustomer(customer);
    else addPhone(customer);
  }
  find('loading')?.remove();
  if (!phones.has(current)) choose(customers[0]?.address ?? null);
  showTabs();
}

function addPhone(customer) {
  const phone = new Phone(customer, phoneActions);
  const tab = h('button', { type: 'button', onclick: () => goTo(customer.address) });
  phones.set(customer.address, phone);
  tabs.set(customer.address, tab);
  find('phones').append(phone.node);
  find('tabs').append(tab);
  phone.setAway(isShopAway);
  // A number that rang before it had a phone rings on it now.
  const own = [...strays.values()].filter((prompt) => prompt.msisdn === customer.msisdn);
  own.forEach((prompt) => strays.delete(prompt.id));
  phone.prompts.receive(own, false);
}

/** As `choose`; where the phones stand side by side, the next key goes to that one, too. */
function goTo(address) {
  choose(address);
  if (isWide.matches) phones.get(address).focusChat();
}

function choose(address) {
  current = address;
  for (const [key, phone] of phones) phone.node.classList.toggle('is-current', key === address);
  tabs.get(address)?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  phones.get(address)?.node.scrollIntoView({ block: 'nearest', inline: 'nearest' }); // beside the others it may be out of sight
  phones.get(address)?.seen();
  showTabs();
}

function showTabs() {
  for (const [address, tab] of tabs) {
    const phone = phones.get(address);
    if (phone.unread && phone.isShown) phone.unread = 0;
    const { name } = phone.customer;
    const balance = balanceOf(phone.customer);
    const isRinging = phone.prompts.isWaiting && address !== current;
    const key = [name, balance, phone.unread, isRinging, address === current].join();
    if (tab.dataset.key === key) continue;
    tab.dataset.key = key;
    tab.setAttribute('aria-current', String(address === current));
    const line = isRinging ? 'asks for a PIN' : balance || 'no number';
    tab.replaceChildren(name, h('small', { class: isRinging ? 'is-ringing' : '' }, line));
    if (phone.unread) tab.append(h('span', { class: 'unread' }, String(phone.unread), h('span', { class: 'said' }, ' new')));
    // What it says now may be wider than what it said before.
    if (address === current) tab.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }
}

async function loadFaults() {
  try {
    panel.setFaults((await call('GET', '/sim/faults')).faults);
  } catch {
    // The poller sees it too, says so, and asks for everything again when the server is back.
  }
}

function setAway(isAway) {
  isShopAway = isAway;
  find('away').hidden = !isAway;
  for (const phone of phones.values()) phone.setAway(isAway);
}

function tick() {
  for (const phone of phones.values()) phone.tick();
  panel.tick();
  showTabs();
}

setInterval(tick, TICK_MS);
addEventListener('resize', showTabs);
poller.soon();
