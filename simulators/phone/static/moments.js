// Times as the phones show them: the server's clock (which a person can move), in Nairobi. Never this computer's clock.

const zone = { timeZone: 'Africa/Nairobi' };
const hourMinute = new Intl.DateTimeFormat('en-GB', { ...zone, hour: '2-digit', minute: '2-digit' });
const dayKey = new Intl.DateTimeFormat('en-CA', { ...zone, year: 'numeric', month: '2-digit', day: '2-digit' });
const dayLong = new Intl.DateTimeFormat('en-GB', { ...zone, weekday: 'long', day: 'numeric', month: 'long' });
const dayShort = new Intl.DateTimeFormat('en-GB', { ...zone, weekday: 'short', day: 'numeric', month: 'short' });
const slashed = new Intl.DateTimeFormat('en-GB', { ...zone, day: 'numeric', month: 'numeric', year: '2-digit' });

let serverMs = null;
let readAt = 0;

/** The server said that it is `iso` now; between two answers the seconds are counted here. */
export function setNow(iso) {
  serverMs = Date.parse(iso);
  readAt = performance.now();
}

export const nowMs = () => (serverMs === null ? 0 : serverMs + (performance.now() - readAt));
export const timeOf = (ms) => hourMinute.format(ms);
export const dayOf = (ms) => dayKey.format(ms);
export const dateOf = (ms) => slashed.format(ms);
export const dayAndTimeOf = (ms) => `${dayShort.format(ms)}, ${hourMinute.format(ms)}`;

export function dayName(ms) {
  if (dayOf(ms) === dayOf(nowMs())) return 'Today';
  if (dayOf(ms) === dayOf(nowMs() - 86_400_000)) return 'Yesterday';
  return dayLong.format(ms);
}

/** "1:05" from milliseconds; never below zero. */
export function countdown(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

/** "2 h 10 min" from seconds. */
export function spanOf(seconds) {
  const minutes = Math.round(seconds / 60);
  const parts = [[Math.floor(minutes / 1440), 'd'], [Math.floor((minutes % 1440) / 60), 'h'], [minutes % 60, 'min']];
  return parts.filter(([count]) => count).map(([count, unit]) => `${count} ${unit}`).join(' ');
}
