// One message as a bubble: its files, its text, and what can be tapped below it.

import { h, icon } from './dom.js';
import { formatted } from './text.js';

const TICKS = { queued: ['clock', 'Waiting to be sent'], sent: ['tick', 'Sent'], delivered: ['ticks', 'Delivered'], read: ['ticks', 'Read'], failed: ['alert', 'Failed'] };
const NAMES = { image: 'Picture', audio: 'Voice note, 0:07', video: 'Video', document: 'Document', location: 'Location' };
const OPENS = { URL: 'link', PHONE_NUMBER: 'phone', COPY_CODE: 'copy' };

/** What is drawn of it and may change after it was shown: files arrive, a message turns out to be undelivered. */
export const contentKey = ({ files = [], content, location, media, status }) => JSON.stringify([files, content, location, media, status === 'failed']);

/** `act.tap(place)` taps the option with that place, `act.open(message)` opens the list, `act.copy(text)` copies. */
export function bubble(message, act) {
  const isMine = message.direction === 'in';
  const node = h('div', { class: `bubble ${isMine ? 'is-mine' : 'is-theirs'} is-${message.kind ?? 'text'}` });
  node.append(...parts(message, act));
  return node;
}

export function parts(message, act) {
  const { content, files = [], media: kind, body, location } = message;
  const nodes = [h('span', { class: 'said' }, message.direction === 'in' ? 'You: ' : 'Shop: ')];
  if (kind === 'location' || location) nodes.push(pin(location));
  else if (files.length) nodes.push(...files.map((file) => attachment(file, message)));
  else if (kind) nodes.push(placeholder(kind));
  if (content?.header) nodes.push(h('p', { class: 'heading', dir: 'auto' }, content.header));
  if (body) nodes.push(h('div', { class: 'words', dir: 'auto' }, formatted(body)));
  if (body && message.direction === 'out' && kind === 'document') nodes.push(h('p', { class: 'footer' }, 'Not on a real phone: Twilio sends a document without its words.'));
  if (content?.footer) nodes.push(h('p', { class: 'footer', dir: 'auto' }, content.footer));
  if (content?.options.length && message.status !== 'failed') nodes.push(options(message, act));
  return nodes;
}

/** Time, ticks and what to do about a failure: all that may change after a message is shown. */
export function stamp(message, clock, sendAgain) {
  const fragment = document.createDocumentFragment();
  const [name, words] = TICKS[message.status] ?? TICKS.queued;
  const time = h('time', { dateTime: message.at, title: message.direction === 'in' ? '' : `The shop sees: ${words}` }, clock.timeOf(Date.parse(message.at)));
  const line = h('div', { class: 'stamp' }, time);
  if (message.direction === 'in') line.append(h('span', { class: `ticks is-${message.status}`, role: 'img', 'aria-label': words, title: words }, icon(name)));
  fragment.append(line);
  if (message.status !== 'failed') return fragment;
  const code = message.error_code ? `${message.error_code} · ` : '';
  const reason = code + sentence(message.error ?? 'not delivered');
  if (message.direction === 'out') fragment.append(h('p', { class: 'lost' }, `Never reached this phone. ${reason}`));
  else if (message.isResent) fragment.append(h('p', { class: 'lost' }, `${reason} Sent again below.`));
  else fragment.append(h('button', { type: 'button', class: 'again', onclick: sendAgain }, `${reason} Tap to send again.`));
  return fragment;
}

const sentence = (words) => words[0].toUpperCase() + words.slice(1).replace(/[.]?$/, '.');

// — files and places —

function attachment({ state, url, content_type: type, size, error }, message) {
  if (state === 'waiting') return h('div', { class: 'media is-waiting' }, icon('image'), h('span', {}, 'Loading…'));
  if (state === 'broken') return h('div', { class: 'media is-broken', title: error ?? '' }, icon('image-off'), h('span', {}, 'This file can’t be shown'));
  if (type.startsWith('image/')) {
    const picture = h('img', { src: url, alt: message.direction === 'in' ? 'Picture you sent' : 'Picture from the shop', decoding: 'async', draggable: false });
    return h('a', { class: 'picture', href: url, target: '_blank', rel: 'noopener' }, picture);
  }
  if (type.startsWith('audio/')) return placeholder('audio');
  const name = type === 'application/pdf' ? 'PDF document' : type.startsWith('video/') ? 'Video' : 'Document';
  return h('a', { class: 'media is-document', href: url, download: '' }, icon('document'), h('span', {}, name, h('small', {}, sizeOf(size))), icon('save'));
}

const sizeOf = (bytes) => (bytes < 100_000 ? `${Math.max(1, Math.round(bytes / 1000))} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`);

function placeholder(kind) {
  if (kind === 'audio') {
    return h('div', { class: 'media is-audio' }, icon('play'), h('span', { class: 'wave', 'aria-hidden': 'true' }), h('span', { class: 'said' }, NAMES.audio), h('span', { 'aria-hidden': 'true' }, '0:07'));
  }
  return h('div', { class: `media is-${kind}` }, icon(kind === 'location' ? 'location' : 'image'), h('span', {}, NAMES[kind] ?? 'Attachment'));
}

function pin(location) {
  if (!location) return placeholder('location');
  const { label, address, latitude, longitude } = location;
  const where = address || `${Number(latitude).toFixed(4)}, ${Number(longitude).toFixed(4)}`;
  return h('div', { class: 'media is-location' }, h('span', { class: 'map' }, icon('location')), h('span', {}, label || 'Location', h('small', {}, where)));
}

// — what can be tapped —

function options(message, act) {
  const { options: all, button } = message.content;
  const row = h('div', { class: 'options' });
  if (message.kind === 'list') {
    row.append(h('button', { type: 'button', 'aria-haspopup': 'dialog', onclick: (event) => act.open(message, event.currentTarget) }, icon('list'), button));
    return row;
  }
  all.forEach(({ kind, title, value }, place) => row.append(option(kind, title, value, () => act.tap(message, place), act)));
  return row;
}

function option(kind, title, value, tap, act) {
  if (kind === 'URL' && URL.canParse?.(value) && /^https?:/.test(value)) return h('a', { href: value, target: '_blank', rel: 'noopener noreferrer nofollow' }, icon('link'), title);
  if (kind === 'PHONE_NUMBER') return h('a', { href: `tel:${value.replace(/[^+\d]/g, '')}` }, icon('phone'), title);
  if (kind === 'COPY_CODE') return h('button', { type: 'button', onclick: () => act.copy(value) }, icon('copy'), title);
  return h('button', { type: 'button', onclick: tap }, icon(OPENS[kind] ?? 'reply'), title);
}
