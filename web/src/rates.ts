/** Frames per second and latency, over the last two seconds. */
const SPAN = 2000; // milliseconds

export class Meter {
  #marks: { now: number; value: number }[] = [];

  /** Count an event, with a value such as a latency. */
  mark(value = 0): void {
    const now = performance.now();
    this.#marks.push({ now, value });
    this.#marks = this.#marks.filter((mark) => now - mark.now <= SPAN);
  }

  /** Events per second. */
  get rate(): number {
    const marks = this.#marks, first = marks[0], last = marks[marks.length - 1];
    return marks.length > 1 ? (1000 * (marks.length - 1)) / (last.now - first.now) : 0;
  }

  /** The mean value. */
  get mean(): number {
    return this.#marks.reduce((sum, { value }) => sum + value, 0) / Math.max(this.#marks.length, 1);
  }
}
