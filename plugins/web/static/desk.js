// The desk: puts list, thread, card, composer and stream together.

import { ask } from "./ask.js";
import { Composer } from "./desk_composer.js";
import { Api } from "./desk_api.js";
import { drawCard } from "./desk_card.js";
import { CaseMenu } from "./desk_menu.js";
import { caseName, isUnproven, CaseList, snoozedText, spanText, stateText, waitsSince } from "./desk_list.js";
import { askTemplate } from "./desk_template.js";
import { Thread } from "./desk_thread.js";
import { byId, Drawn, el, icon, kept } from "./dom.js";
import { Stream } from "./stream.js";
import { preferredLanguage, Words } from "./words.js";

const words = new Words("desk");
const api = new Api(words, showDoor);
const me = () => kept.get("agent", "");
let current = null; // the case on the table
let pending = null; // a reload that is about to happen
let clock = null;

const list = new CaseList({ list: byId("cases"), empty: byId("no-cases"), words, me, onChoose: choose });
const thread = new Thread({
  scroll: byId("thread"),
  list: byId("lines"),
  words,
  acts: {
    stop: (line) => quietly(() => command("stop", { line: line.id })),
    again: (line) => quietly(() => command("again", { line: line.id })),
    edit: editLine,
    unsend: unsendLine,
    template: templateLine,
    sendDraft: (line) => quietly(() => command("line", asAnswer(line))),
    editDraft,
    dropDraft: (line) => quietly(() => command("unsend", { line: line.id })),
  },
});
const opens = (after) => api.opens(after);
const menu = new CaseMenu({ words, me, command, colleagues, others, opens, done: quietly });
const buttons = new Drawn(byId("actions"));
const card = new Drawn(byId("card"));
const composer = new Composer({ words, me, onSend: command, onTake: takeOver });
const stream = new Stream(() => "desk/api/events", { hello: () => reload(), changed }, showConnection);

// --- what is shown

async function reload() {
  clearTimeout(pending);
  pending = null;
  try {
    list.open = await api.cases(false);
    if (list.filter === "closed") list.closed = await api.cases(true);
    showAlarm(await api.alarm());
    if (current) await reloadCase(current.id);
  } catch (error) {
    if (error.status !== 401) showConnection(false);
    return;
  }
  draw();
}

async function reloadCase(id) {
  const [item, lines] = await Promise.all([api.case(id), api.history(id)]);
  if (current?.id !== id) return;
  current = item;
  list.look(item);
  drawCase();
  thread.show(id, lines, { mine: item.agent === me() && item.state === "taken", contact: item.contact });
}

/** Several changes that come together are read once. */
function changed() {
  pending ??= setTimeout(reload, 120);
}

function draw() {
  list.draw();
  const counts = { open: list.open.length, mine: list.open.filter((item) => item.agent === me()).length };
  for (const tab of document.querySelectorAll("[data-filter]")) {
    tab.setAttribute("aria-pressed", String(tab.dataset.filter === list.filter));
    const count = tab.querySelector("b");
    if (count) count.textContent = counts[tab.dataset.filter] || "";
  }
  const waiting = list.open.filter((item) => !item.agent).length;
  document.title = waiting ? `(${waiting}) ${words.t("desk")}` : words.t("desk");
}

function drawCase() {
  byId("work").hidden = !current;
  byId("nothing").hidden = Boolean(current);
  byId("nothing").replaceChildren(icon("chat"), el("strong", {}, words.t("choose")), el("p", {}, words.t("choose_text")));
  byId("card-pane").classList.toggle("void", !current);
  if (!current) return;
  byId("case-name").textContent = caseName(current, words);
  byId("case-line").textContent = caseLine();
  drawUnproven();
  buttons.show([...menu.entry(current), ...actions()]);
  card.show([{ key: current.id, state: JSON.stringify([current, words.language]), make: () => drawCard(current, words, { link, unlink, choose }) }]);
  composer.show(current);
}

/** Above the conversation, as it decides what may be said in it. */
function drawUnproven() {
  const note = byId("unproven");
  note.hidden = !isUnproven(current);
  const who = el("strong", {}, words.t("sender_unproven"), current.sender?.address ? ": " : "", el("bdi", {}, current.sender?.address ?? ""));
  note.replaceChildren(icon("warn"), el("span", {}, who, " ", words.t("sender_unproven_why")));
}

function caseLine() {
  const parts = [current.sender?.subject, current.reason_text].filter(Boolean);
  if (current.snoozed_until) parts.push(snoozedText(current, words));
  const since = waitsSince(current);
  if (current.state === "open" && since && Date.now() - new Date(since) >= 60_000)
    parts.push(words.t("waits_since", { time: spanText(since, Date.now(), words) }));
  else parts.push(stateText(current, me(), words));
  return parts.join(" · ");
}

function actions() {
  const button = (name, sign, kind, act) => ({
    key: name,
    state: `${kind} ${words.language}`,
    make: () => {
      const label = words.t(name);
      const attributes = { type: "button", class: kind, id: `do-${name}`, title: label, onclick: act };
      return el("button", attributes, icon(sign), el("span", {}, label));
    },
  });
  if (current.state === "closed") return [];
  if (!current.agent)
    return [button("close_case", "done", "secondary", closeCase), button("take_over", "hand", "primary", takeOver)];
  if (current.agent !== me()) return [button("take_from", "hand", "secondary", takeOver)];
  return [button("close_case", "done", "secondary", closeCase), button("hand_back", "return", "primary", handBack)];
}

/** For whoever runs the bot: a small shop has no other place where it is seen. */
function showAlarm(alarm) {
  const line = byId("alarm");
  line.hidden = !alarm;
  if (!alarm) return;
  const at = new Date(alarm.at).toLocaleString(words.language, { weekday: "short", hour: "2-digit", minute: "2-digit" });
  line.replaceChildren(icon("warn"), el("strong", {}, `${words.t("alarm")} ${at}: ${alarm.text}`), el("span", {}, ` ${alarm.advice}`));
}

function showConnection(open) {
  byId("connection").dataset.state = open ? "live" : "lost";
  byId("connection-text").textContent = words.t(open ? "live" : "lost");
}

function view(name) {
  document.body.dataset.view = name;
}

// --- what the agent does

async function choose(id) {
  if (current?.id !== id) {
    composer.keep();
    current = list.find(id) ?? { id };
    list.chosen = id;
    history.replaceState(null, "", `#case=${id}`);
    fail("");
  }
  view("thread");
  try {
    await reloadCase(id);
  } catch (error) {
    if (error.status === 404) leave();
    else if (error.status !== 401) fail(error.message || words.t("no_connection"));
  }
  draw();
}

function leave() {
  composer.keep();
  current = null;
  list.chosen = null;
  history.replaceState(null, "", location.pathname);
  view("list");
  drawCase();
  draw();
}

function fail(sentence) {
  byId("failure").textContent = sentence;
  byId("failure").hidden = !sentence;
}

async function attempt(work) {
  fail("");
  try {
    await work();
  } catch (error) {
    fail(error.message || words.t("no_connection"));
    throw error;
  } finally {
    await reload();
  }
}

/** As `attempt`; what went wrong is shown, and that is all. */
function quietly(work) {
  return attempt(work).catch(() => {});
}

async function command(kind, more = {}, id = current.id) {
  if (!me()) await askName();
  if (!me()) throw new Error(words.t("ask_name_title"));
  const result = await api.command(kind, id, me(), more);
  changed();
  return result;
}

async function takeOver() {
  if (!current || current.state === "closed" || current.agent === me()) return;
  if (!me() && !(await askName())) return;
  const other = current.agent_name;
  if (!other) {
    await attempt(() => command("take_over")).catch(() => {});
    if (current?.agent && current.agent !== me()) return takeOver(); // a colleague was quicker: ask
    if (current?.agent === me()) composer.focus("line");
    return;
  }
  const sure = await ask({
    title: words.t("ask_take_title", { agent: other }),
    text: words.t("ask_take_text", { agent: other }),
    yes: words.t("take_from"),
    no: words.t("cancel"),
    send: () => command("take_over", { force: true }),
  });
  await reload();
  if (sure) {
    fail("");
    composer.focus("line");
  }
}

async function handBack() {
  if (current?.agent !== me() || current.state === "closed") return;
  await ask({
    title: words.t("ask_back_title"),
    text: words.t("ask_back_text"),
    fields: [
      { name: "text", label: words.t("outcome"), hint: words.t("outcome_hint"), long: true },
      { name: "note", label: words.t("note"), hint: words.t("note_hint"), long: true },
    ],
    yes: words.t("hand_back"),
    no: words.t("cancel"),
    send: (values) => command("hand_back", values),
  });
  await reload();
}

async function editLine(line) {
  await ask({
    title: words.t("ask_edit_title"),
    fields: [{ name: "text", label: words.t("message"), value: line.text, long: true, required: true, limit: 8000 }],
    yes: words.t("save"),
    no: words.t("cancel"),
    send: (values) => command("edit", { line: line.id, ...values }),
  });
  await reload();
}

/** A draft as an answer of the agent's, with its files. */
function asAnswer(line) {
  const attachments = line.attachments.map((file) => file.file).filter(Boolean);
  return { text: line.text, attachments, draft: line.id };
}

async function editDraft(line) {
  await ask({
    title: words.t("ask_draft_title"),
    fields: [{ name: "text", label: words.t("message"), value: line.text, long: true, required: true, limit: 8000 }],
    yes: words.t("send_line"),
    no: words.t("cancel"),
    send: (values) => command("line", { ...asAnswer(line), ...values }),
  });
  await reload();
}

async function unsendLine(line) {
  await ask({
    title: words.t("ask_unsend_title"),
    text: words.t("ask_unsend_text"),
    yes: words.t("unsend"),
    no: words.t("cancel"),
    send: () => command("unsend", { line: line.id }),
  });
  await reload();
}

async function templateLine(line) {
  const id = current.id;
  await quietly(async () => {
    const found = await api.templates(id, line.id);
    await askTemplate({ words, found, send: (values) => command("template", { line: line.id, ...values }) });
  });
  await reload();
}

/** Who else answers here, as far as the open cases tell. */
function colleagues() {
  const names = list.open.map((item) => item.agent_name).filter((name) => name && name !== me());
  return [...new Set(names)].sort();
}

/** Open cases of other people, as far as the list tells: one of them may be the same person's. */
function others() {
  const known = new Set([current.conversation, ...current.related.map((one) => one.conversation)]);
  return list.open.filter((item) => !known.has(item.conversation));
}

function link(other) {
  return quietly(() => command("link", { other: other.conversation }));
}

/** A proposal is declined at once; a link is only ended by somebody who means it. */
async function unlink(other) {
  const send = () => command("unlink", { other: other.conversation });
  if (other.proposed) return quietly(send);
  await ask({
    title: words.t("ask_unlink_title"),
    text: words.t("ask_unlink_text"),
    yes: words.t("unlink"),
    no: words.t("cancel"),
    send,
  });
  await reload();
}

async function closeCase() {
  if (!current || current.state === "closed" || (current.agent && current.agent !== me())) return;
  await ask({
    title: words.t("ask_close_title"),
    text: words.t("ask_close_text"),
    fields: [
      { name: "text", label: words.t("close_outcome"), hint: words.t("close_outcome_hint") },
      { name: "note", label: words.t("note"), hint: words.t("note_hint"), long: true },
    ],
    yes: words.t("close_case"),
    no: words.t("cancel"),
    send: (values) => command("close", values),
  });
  await reload();
}

async function askName() {
  const values = await ask({
    title: words.t("ask_name_title"),
    text: words.t("ask_name_text"),
    fields: [{ name: "agent", label: words.t("name"), value: me(), required: true }],
    yes: words.t("save"),
    no: me() ? words.t("cancel") : null,
  });
  if (values?.agent) kept.set("agent", values.agent);
  byId("agent-name").textContent = me();
  drawCase();
  draw();
  return values !== null;
}

function showKeys() {
  const keys = [["J", "key_j"], ["K", "key_k"], ["T", "key_t"], ["R", "key_r"], ["N", "key_n"], ["B", "key_b"], ["E", "key_e"], ["M", "key_m"], ["I", "key_i"],
    [`${words.t("ctrl")} + ${words.t("enter_key")}`, "key_send"], ["?", "key_help"]];
  const rows = keys.map(([key, name]) => el("div", {}, el("dt", {}, el("kbd", {}, key)), el("dd", {}, words.t(name))));
  ask({ title: words.t("shortcuts"), content: el("dl", { class: "keys" }, rows), yes: words.t("ok") });
}

function toggleCard(on) {
  document.body.classList.toggle("card-open", on);
  if (document.body.classList.contains("card-open")) byId("hide-card").focus();
}

// --- keyboard, login, start

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  t: takeOver,
  r: () => current && composer.focus("line"),
  n: () => current && composer.focus("note"),
  b: handBack,
  e: closeCase,
  m: () => current && menu.toggle(),
  i: () => current && toggleCard(),
  "?": showKeys,
};

function step(direction) {
  const item = list.step(direction);
  if (item) choose(item.id);
}

/** Whether keys belong to the element. A closed dialog keeps the focus until the next frame. */
function isWriting(target) {
  const dialog = byId("ask");
  if (dialog.contains(target)) return dialog.open;
  return Boolean(target.closest?.("input, textarea, select"));
}

function onKey(event) {
  if (event.key === "Escape" && !byId("ask").open) {
    if (document.body.classList.contains("card-open")) toggleCard(false);
    else event.target.blur?.();
    return;
  }
  if (isWriting(event.target) || event.ctrlKey || event.metaKey || event.altKey || byId("room").hidden) return;
  const act = KEYS[event.key.toLowerCase()];
  if (!act) return;
  event.preventDefault();
  act();
}

function showDoor() {
  stream.stop();
  clearInterval(clock);
  byId("room").hidden = true;
  byId("door").hidden = false;
  byId("token").focus();
}

async function login(token) {
  const error = byId("door-error");
  error.hidden = true;
  try {
    await api.login(token);
  } catch (problem) {
    error.textContent = problem.message || words.t("no_connection");
    error.hidden = false;
    return;
  }
  byId("token").value = "";
  await enter();
}

async function enter() {
  try {
    list.open = await api.cases(false);
    showAlarm(await api.alarm());
  } catch (error) {
    if (error.status !== 401) setTimeout(enter, 1500);
    return;
  }
  byId("door").hidden = true;
  byId("room").hidden = false;
  byId("agent-name").textContent = me();
  draw();
  drawCase();
  stream.start();
  clearInterval(clock);
  // Waiting times move on, and what another process changed shows up.
  clock = setInterval(reload, 20_000);
  const wanted = Number(new URLSearchParams(location.hash.slice(1)).get("case"));
  if (wanted) choose(wanted);
  if (!me()) await askName();
}

async function setLanguage(language) {
  await words.load(language);
  byId("language-code").textContent = language.toUpperCase();
  showConnection(byId("connection").dataset.state !== "lost");
  composer.relabel();
}

function listen() {
  byId("login").addEventListener("submit", (event) => {
    event.preventDefault();
    login(byId("token").value);
  });
  for (const tab of document.querySelectorAll("[data-filter]"))
    tab.addEventListener("click", () => {
      list.filter = tab.dataset.filter;
      reload();
    });
  byId("agent").addEventListener("click", askName);
  byId("keys").addEventListener("click", showKeys);
  byId("back").addEventListener("click", leave);
  byId("show-card").addEventListener("click", () => toggleCard());
  byId("hide-card").addEventListener("click", () => toggleCard(false));
  byId("logout").addEventListener("click", async () => {
    await api.logout().catch(() => {});
    showDoor();
  });
  byId("language").addEventListener("click", async () => {
    const language = words.language === "de" ? "en" : "de";
    kept.set("language", language);
    await setLanguage(language);
    await reload();
  });
  document.addEventListener("keydown", onKey);
}

async function start() {
  listen();
  await setLanguage(preferredLanguage());
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token) {
    // Out of the address bar and the history, before anything else is loaded.
    history.replaceState(null, "", location.pathname);
    await login(token);
    if (byId("room").hidden) showDoor();
    return;
  }
  await enter();
}

start();
