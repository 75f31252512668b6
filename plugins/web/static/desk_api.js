// The desk's HTTP API. A command that got no answer is repeated under its id: it counts once.

import { newId } from "./dom.js";

export class Refused extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export class Api {
  constructor(words, onLocked) {
    this.words = words;
    this.onLocked = onLocked;
  }

  async call(path, body) {
    const headers = { "Accept-Language": this.words.language };
    const options = { headers };
    if (body) {
      options.method = "POST";
      options.body = JSON.stringify(body);
      headers["Content-Type"] = "application/json";
    }
    const answer = await fetch(`desk/api/${path}`, options);
    if (answer.ok) return answer.json();
    const { error, message } = await answer.json().catch(() => ({}));
    if (answer.status === 401) this.onLocked();
    throw new Refused(answer.status, error ?? "", message ?? "");
  }

  login(token) {
    return this.call("login", { token });
  }

  logout() {
    return this.call("logout", {});
  }

  cases(closed) {
    return this.call(`cases?closed=${closed ? 1 : 0}`).then((found) => found.cases);
  }

  case(id) {
    return this.call(`cases/${id}`);
  }

  history(id) {
    return this.call(`cases/${id}/history`).then((found) => found.lines);
  }

  /** The approved templates that may go out in place of a line that failed. */
  templates(id, line) {
    return this.call(`cases/${id}/templates?line=${encodeURIComponent(line)}`).then((found) => found.templates);
  }

  /** What operators should hear of the last day; null where there is nothing. */
  alarm() {
    return this.call("alarm").then((found) => found.alarm);
  }

  /** When people are there, from a time on. */
  opens(after) {
    return this.call(`opens?after=${encodeURIComponent(after.toISOString())}`).then((found) => new Date(found.at));
  }

  /** Give a command. Raises Refused with the server's sentence. */
  async command(kind, id, agent, more = {}) {
    const body = { id: newId(), kind, case: id, agent, ...more };
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.call("commands", body);
      } catch (error) {
        const settled = error instanceof Refused && error.status < 500;
        if (settled) throw error;
        if (attempt === 4) throw new Refused(0, "no_connection", this.words.t("no_connection"));
        await new Promise((resolve) => setTimeout(resolve, 400 * attempt));
      }
    }
  }
}
