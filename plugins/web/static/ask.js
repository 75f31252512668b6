// A question in a dialog: a title, a sentence, fields, yes and no.

import { byId, el } from "./dom.js";

/**
 * Ask. `fields` are {name, label, hint, value, long, required, limit}; with `options` ([value, text])
 * one is chosen, with `list` values are suggested. `send(values)` is awaited before
 * the dialog closes; an error's message is shown in it. Resolves to the values, or null.
 */
export function ask({ title, text = "", fields = [], content = null, yes, no, send = async () => {} }) {
  const dialog = byId("ask");
  const form = byId("ask-form");
  const error = byId("ask-error");
  byId("ask-title").textContent = title;
  byId("ask-text").textContent = text;
  byId("ask-text").hidden = !text;
  byId("ask-fields").replaceChildren(...fields.map(fieldNode), ...(content ? [content] : []));
  byId("ask-yes").textContent = yes;
  byId("ask-no").textContent = no ?? "";
  byId("ask-no").hidden = !no;
  error.hidden = true;
  return new Promise((resolve) => {
    let result = null;
    const submit = async (event) => {
      event.preventDefault();
      byId("ask-yes").disabled = true;
      const values = Object.fromEntries(fields.map((field) => [field.name, form.elements[field.name].value.trim()]));
      try {
        await send(values);
        result = values;
        dialog.close();
      } catch (problem) {
        error.textContent = problem.message;
        error.hidden = false;
      } finally {
        byId("ask-yes").disabled = false;
      }
    };
    form.addEventListener("submit", submit);
    byId("ask-no").onclick = () => dialog.close();
    dialog.addEventListener("close", () => {
      form.removeEventListener("submit", submit);
      resolve(result);
    }, { once: true });
    dialog.showModal();
    (form.querySelector("input, textarea, select") ?? byId("ask-yes")).focus();
  });
}

function fieldNode({ name, label, hint = "", value = "", long = false, required = false, limit = 0, options = null, list = null }) {
  const id = `field-${name}`;
  const common = { id, name, placeholder: hint, required, maxlength: limit || (long ? 2000 : 60), dir: "auto" };
  const heading = el("label", { for: id }, label);
  if (options) {
    const choices = options.map(([code, text]) => el("option", { value: code, selected: code === value }, text));
    return el("div", { class: "field" }, heading, el("select", { id, name }, choices));
  }
  const suggested = list && el("datalist", { id: `${id}-list` }, list.map((one) => el("option", { value: one })));
  const autocomplete = list ? "off" : "name";
  const input = long ? el("textarea", { ...common, rows: Math.min(12, Math.max(2, value.split("\n").length, Math.ceil(value.length / 60))) }) : el("input", { ...common, autocomplete, list: list && `${id}-list` });
  input.value = value;
  return el("div", { class: "field" }, heading, input, suggested);
}
