// What the customer wrote and the server has not confirmed. It is kept in the browser and sent
// again under the same id, in order, until the server answers: a repeat is one message there.

import { kept } from "./dom.js";

const KEY = "unsent."; // a key for each, so that two tabs do not overwrite each other
const PAUSE = 1500;

export class Queue {
  /** `onSent(item, id)` after the server has it; `onRefused(item, sentence)` when it never will. */
  constructor({ language, onSent, onRefused }) {
    Object.assign(this, { language, onSent, onRefused });
    this.items = kept.all(KEY).sort((a, b) => a.at.localeCompare(b.at));
    this.busy = false;
    this.timer = null;
    window.addEventListener("online", () => this.flush());
  }

  add(item) {
    this.items.push(item);
    kept.set(KEY + item.client_id, item);
    this.flush();
  }

  drop(clientId) {
    this.items = this.items.filter((item) => item.client_id !== clientId);
    kept.remove(KEY + clientId);
  }

  async flush() {
    if (this.busy) return;
    clearTimeout(this.timer);
    this.busy = true;
    try {
      while (this.items.length && (await this.send(this.items[0])));
    } finally {
      this.busy = false;
    }
    if (this.items.length) this.timer = setTimeout(() => this.flush(), PAUSE);
  }

  async send(item) {
    const { client_id, text, payload, attachments } = item;
    const body = { client_id, text, payload, attachments: attachments.map((file) => file.file) };
    let answer;
    try {
      answer = await fetch("chat/messages", {
        method: "POST",
        headers: { "Content-Type": "application/json", "Accept-Language": this.language() },
        body: JSON.stringify(body),
      });
    } catch {
      return false; // no connection
    }
    if (answer.ok) {
      const { id } = await answer.json().catch(() => ({}));
      this.drop(client_id);
      this.onSent(item, id);
      return true;
    }
    if (answer.status >= 500 || answer.status === 429) return false;
    const { message } = await answer.json().catch(() => ({}));
    this.drop(client_id);
    this.onRefused(item, message);
    return true;
  }
}
