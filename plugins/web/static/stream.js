// A stream of server-sent events that comes back by itself, from where it was.

const SILENCE = 45_000; // the server shows every 15 s that it lives

export class Stream {
  /** `url(last)` gives the address from the last event's id; `on` maps kinds to handlers. */
  constructor(url, on, onState) {
    this.url = url;
    this.on = on;
    this.onState = onState;
    this.last = 0;
    this.failures = 0;
    this.source = null;
    this.timer = null;
    this.watch = null;
    window.addEventListener("online", () => this.retry());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && this.source === null) this.retry();
    });
  }

  start(last = 0) {
    this.last = last;
    this.connect();
  }

  stop() {
    clearTimeout(this.timer);
    this.drop();
  }

  retry() {
    if (this.source?.readyState === EventSource.OPEN) return;
    clearTimeout(this.timer);
    this.connect();
  }

  connect() {
    this.drop();
    const source = new EventSource(this.url(this.last));
    this.source = source;
    source.onopen = () => {
      this.failures = 0;
      this.alive();
      this.onState(true);
    };
    source.onerror = () => this.fail();
    source.addEventListener("alive", () => this.alive());
    for (const [kind, handle] of Object.entries(this.on)) {
      source.addEventListener(kind, (event) => {
        this.alive();
        if (event.lastEventId) this.last = Math.max(this.last, Number(event.lastEventId));
        handle(JSON.parse(event.data));
      });
    }
  }

  alive() {
    clearTimeout(this.watch);
    this.watch = setTimeout(() => this.fail(), SILENCE);
  }

  fail() {
    this.drop();
    this.failures += 1;
    this.onState(false);
    const most = Math.min(10_000, 400 * 2 ** this.failures);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.connect(), most * (0.5 + Math.random() / 2));
  }

  drop() {
    clearTimeout(this.watch);
    this.source?.close();
    this.source = null;
  }
}
