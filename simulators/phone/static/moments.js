// Times as the phones show them: the server's clock (which a person can move), where the phone is. Never this computer's
// clock or zone.

const DAY_MS = 86_400_000;
const QUARTER_MS = 900_000;

let serverMs = null;
let readAt = 0;

/** The server said that it is `iso` now; between two answers the seconds are counted here. */
export function setNow(iso) {
  serverMs = Date.parse(iso);
  readAt = performance.now();
}

export const nowMs = () => (serverMs === null ? 0 : serverMs + (performance.now() - readAt));

/** A clock on the wall of one zone. */
class WallClock {
  #days = new Map();

  constructor(timeZone) {
    const format = (language, parts) => new Intl.DateTimeFormat(language, { timeZone, ...parts });
    this.hourMinute = format('en-GB', { hour: '2-digit', minute: '2-digit' });
    this.dayKey = format('en-CA', { year: 'numeric', month: '2-digit', day: '2-digit' });
    this.dayLong = format('en-GB', { weekday: 'long', day: 'numeric', month: 'long' });
    this.dayShort = format('en-GB', { weekday: 'short', day: 'numeric', month: 'short' });
    this.slashed = format('en-GB', { day: 'numeric', month: 'numeric', year: '2-digit' });
  }

  timeOf(ms) {
    return this.hourMinute.format(ms);
  }

  /** Asked of every message whenever one changes, so it is kept: no zone's day begins within a quarter of an hour. */
  dayOf(ms) {
    const quarter = Math.floor(ms / QUARTER_MS);
    if (!this.#days.has(quarter)) this.#days.set(quarter, this.dayKey.format(ms));
    return this.#days.get(quarter);
  }

  dateOf(ms) {
    return this.slashed.format(ms);
  }

  dayAndTimeOf(ms) {
    return `${this.dayShort.format(ms)}, ${this.timeOf(ms)}`;
  }

  dayName(ms) {
    if (this.dayOf(ms) === this.dayOf(nowMs())) return 'Today';
    if (this.dayOf(ms) === this.dayOf(nowMs() - DAY_MS)) return 'Yesterday';
    return this.dayLong.format(ms);
  }
}

export const NAIROBI = new WallClock('Africa/Nairobi');
const LUANDA = new WallClock('Africa/Luanda');

/** Where the number is at home. */
export const clockOf = ({ msisdn }) => (msisdn?.startsWith('244') ? LUANDA : NAIROBI);

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
