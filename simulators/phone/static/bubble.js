// One message as a bubble.

import { h, icon } from './dom.js';
import { timeOf } from './moments.js';
import { formatted } from './text.js';

const TICKS = { queued: ['clock', 'Waiting to be sent'], sent: ['tick', 'Sent'], delivered: ['ticks', 'Delivered'], read: ['ticks', 'Read'], failed: ['alert', 'Failed'] };
const MEDIA = { image: 'Picture', audio: 'Voice note, 0:07', location: 'Location: Nairobi' };

export function bubble(message) {
  const isMine = message.direction === 'in';
  const node = h('div', { class: `bubble ${isMine ? 'is-mine' : 'is-theirs'}` }, h('span', { class: 'said' }, isMine ? 'You: ' : 'Shop: '));
  if (message.media) node.append(media(message.media));
  if (message.body) node.append(h('div', { class: 'words', dir: 'auto' }, formatted(message.body)));
  return node;
}

/** Time, ticks and what to do about a failure: all that may change after a message is shown. */
export function stamp(message, sendAgain) {
  const fragment = document.createDocumentFragment();
  const line = h('div', { class: 'stamp' }, h('time', { dateTime: message.at }, timeOf(Date.parse(message.at))));
  if (message.direction === 'in') {
    const [name, words] = TICKS[message.status] ?? TICKS.queued;
    line.append(h('span', { class: `ticks is-${message.status}`, role: 'img', 'aria-label': words, title: words }, icon(name)));
  }
  fragment.append(line);
  if (message.status !== 'failed') return fragment;
  const reason = sentence(message.error ?? 'not delivered');
  if (message.direction === 'out') fragment.append(h('p', { class: 'lost' }, reason));
  else if (message.isResent) fragment.append(h('p', { class: 'lost' }, `${reason} Sent again below.`));
  else fragment.append(h('button', { type: 'button', class: 'again', onclick: sendAgain }, `${reason} Tap to send again.`));
  return fragment;
}

const sentence = (words) => words[0].toUpperCase() + words.slice(1).replace(/[.]?$/, '.');

function media(kind) {
  const words = h('span', {}, MEDIA[kind] ?? 'Attachment');
  const node = h('div', { class: `media is-${kind}` });
  if (kind === 'audio') {
    node.append(icon('play'), h('span', { class: 'wave', 'aria-hidden': 'true' }), h('span', { class: 'said' }, MEDIA.audio), h('span', { 'aria-hidden': 'true' }, '0:07'));
  } else node.append(icon(kind === 'location' ? 'location' : 'image'), words);
  return node;
}
