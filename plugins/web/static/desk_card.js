// The case card: who it is, why, what the bot understood and tried, and the orders it is about.

import { el, icon, whole } from "./dom.js";
import { spanText } from "./desk_list.js";

const DATE = { dateStyle: "medium", timeStyle: "short" };
const WHEN = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" };
const DAY = { dateStyle: "medium" };

/** `acts` are what an agent does with another conversation: link, unlink; or with its case: choose. */
export function drawCard(item, words, acts) {
  const asked = item.related.some((other) => other.proposed); // somebody must decide: further up
  const others = item.related.length ? section(words.t("section_related"), related(item, words, acts)) : null;
  return el(
    "div",
    {},
    asked ? others : null,
    item.summary ? section(words.t("section_summary"), el("p", {}, whole(item.summary))) : null,
    section(words.t("section_why"), el("p", { class: item.priority === "high" ? "why urgent" : "why" }, item.reason_text)),
    item.outcome ? section(words.t("section_outcome"), el("p", {}, known(words, "outcome_", item.outcome))) : null,
    section(words.t("section_customer"), facts(customerFacts(item, words))),
    asked ? null : others,
    section(words.t("section_orders"), orders(item, words)),
    section(words.t("section_understood"), intents(item, words)),
    section(words.t("section_tried"), tried(item, words)),
  );
}

/** Other conversations that are this customer's, or may be: those first, as somebody must decide. */
function related(item, words, acts) {
  return el("ul", { class: "related" }, item.related.map((other) => relatedBox(other, words, acts)));
}

function relatedBox(other, words, acts) {
  const at = new Date(other.last_in_at).toLocaleString(words.language, WHEN);
  const button = (name, kind, act) =>
    el("button", { type: "button", class: kind, "data-do": name, onclick: () => act(other) }, words.t(name));
  const name = el("strong", { dir: "auto" }, other.name || words.t("no_name"));
  const top = el("p", { class: "related-top" }, name, el("span", { class: "tag" }, known(words, "channel_", other.channel)));
  const facts = [
    el("p", {}, words.t("last_wrote", { at })),
    other.case ? el("p", {}, caseLink(other, words, acts)) : null,
    el("p", { class: "why-linked" }, readable(words, other.proposed ? "proposed_" : "linked_", other.reason)),
  ];
  const row = other.proposed
    ? [button("link", "secondary", acts.link), button("keep_apart", "link", acts.unlink)]
    : [button("unlink", "link quiet", acts.unlink)];
  return el("li", { class: other.proposed ? "proposed" : null },
    other.proposed ? el("p", { class: "label" }, words.t("proposed")) : null, top, facts, el("p", { class: "related-do" }, row));
}

function caseLink(other, words, acts) {
  const text = other.agent_name
    ? words.t("open_case_with", { id: other.case, agent: other.agent_name })
    : words.t("open_case", { id: other.case });
  return el("button", { type: "button", class: "link", "data-do": "other_case", onclick: () => acts.choose(other.case) }, text);
}

function known(words, prefix, code) {
  const key = `${prefix}${code}`;
  return words.has(key) ? words.t(key) : String(code);
}

function readable(words, prefix, code) {
  const text = known(words, prefix, code);
  return text === code ? code.replaceAll("_", " ") : text;
}

function section(title, ...content) {
  return el("section", {}, el("h3", {}, title), ...content);
}

function facts(pairs) {
  const rows = pairs
    .filter(([, value]) => value)
    .map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, breakable(value))));
  return el("dl", {}, rows);
}

/** An e-mail address that is too long for its place breaks before the @. */
function breakable(value) {
  if (typeof value !== "string" || !value.includes("@")) return value;
  return value.split(/(?=@)/).flatMap((part, index) => (index ? [el("wbr"), part] : [part]));
}

function customerFacts(item, words) {
  const at = (iso) => iso && new Date(iso).toLocaleString(words.language, DATE);
  return [
    [words.t("name"), nameAlone(item)],
    [words.t("subject"), item.sender?.subject],
    [words.t("sender"), item.sender && sender(item, words)],
    [words.t("contact"), item.contact],
    [words.t("channel"), known(words, "channel_", item.channel)],
    [words.t("language_label"), known(words, "language_", item.language)],
    [words.t("owner"), item.state === "closed" ? words.t("owner_bot") : words.t(`owner_${item.owner}`, { agent: item.agent_name })],
    [words.t("priority"), words.t(`priority_${item.priority}`)],
    [words.t("snoozed_until"), at(item.snoozed_until)],
    [words.t("reply_until"), item.state === "closed" ? null : replyUntil(item, words)],
    [words.t("opened"), at(item.opened_at)],
    [words.t("due_at"), at(item.due_at)],
    [words.t("taken_at"), at(item.taken_at)],
    [words.t("closed_at"), at(item.closed_at)],
  ];
}

/** The name without the address, where that stands by itself. */
function nameAlone(item) {
  const address = item.sender?.address ? ` <${item.sender.address}>` : "";
  const name = item.customer ?? "";
  return address && name.toLowerCase().endsWith(address.toLowerCase()) ? name.slice(0, -address.length) : item.customer;
}

/** Whom answers go to, and whether that is who wrote. */
function sender(item, words) {
  const { address, proven } = item.sender;
  const known = proven === null ? null : words.t(proven ? "proven" : "unproven");
  const mark = known && el("span", { class: proven ? "proven" : "unproven" }, icon(proven ? "check" : "warn"), known);
  return [el("bdi", { class: "sender" }, address), mark];
}

/** Until when the channel takes free text, and how long that is from now. */
function replyUntil(item, words) {
  if (!item.reply_until) return null;
  const until = new Date(item.reply_until);
  if (until <= Date.now()) return el("span", { class: "over" }, words.t("reply_over"));
  const left = spanText(Date.now(), until, words);
  return words.t("reply_left", { time: left, at: until.toLocaleString(words.language, DATE) });
}

function intents(item, words) {
  if (!item.intents.length) return el("p", { class: "none" }, words.t("no_intents"));
  const runs = [];
  for (const intent of item.intents) {
    if (runs.at(-1)?.intent === intent) runs.at(-1).count += 1;
    else runs.push({ intent, count: 1 });
  }
  const chips = runs.map(({ intent, count }) =>
    el("li", {}, readable(words, "intent_", intent), count > 1 ? ` × ${count}` : ""));
  return el("ol", { class: "intents" }, chips);
}

function tried(item, words) {
  if (!item.tried.length) return el("p", { class: "none" }, words.t("no_tried"));
  const rows = item.tried.map((text) => {
    const [action, outcome = ""] = text.split(": ");
    const bad = ["failed", "unknown", "started"].includes(outcome);
    const sign = icon(bad ? "warn" : outcome === "done" ? "check" : "clock");
    const did = el("span", { class: "did" }, readable(words, "did_", outcome));
    return el("li", { class: bad ? "bad" : null }, sign, el("span", {}, readable(words, "action_", action)), did);
  });
  return el("ol", { class: "tried" }, rows);
}

function orders(item, words) {
  if (!item.orders.length) return el("p", { class: "none" }, words.t("no_orders"));
  return el("div", { class: "orders" }, item.orders.map((order) => orderBox(order, words)));
}

function orderBox(order, words) {
  const { number, state, proof, ...rest } = order;
  const pairs = Object.entries(rest).map(([key, value]) => [readable(words, "fact_", key), itemized(valueText(key, value, words))]);
  const top = el("p", { class: "order-top" }, icon("box"), el("strong", {}, number ?? ""),
    proof ? el("span", { class: proof === "none" ? "tag urgent" : "tag" }, readable(words, "proof_", proof)) : null,
    state ? el("span", { class: "tag" }, readable(words, "value_", state)) : null);
  return el("div", { class: "order" }, top, facts(pairs));
}

/** Several things in one fact, each on a line of its own. */
function itemized(text) {
  return text?.includes("; ") ? text.split("; ").map((part) => el("div", {}, part)) : text;
}

const CODED = new Set(["payment", "parcels", "returns"]); // facts with codes among their words

function valueText(key, value, words) {
  if (value === null || value === undefined || value === "") return null;
  const money = /^(-?\d+\.\d{2}) ([A-Z]{3})$/.exec(value);
  if (money) return Number(money[1]).toLocaleString(words.language, { style: "currency", currency: money[2] });
  const dated = String(value).replace(/\b\d{4}-\d{2}-\d{2}\b/g, (day) =>
    new Date(`${day}T12:00`).toLocaleDateString(words.language, DAY));
  if (!CODED.has(key)) return dated;
  return dated.replace(/\b[a-z_]+\b/g, (code) => known(words, "value_", code));
}
