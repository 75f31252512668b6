// A line that could not go out: an approved template in its place, its gaps filled by the agent.

import { ask } from "./ask.js";

const LIMIT = 800; // characters of a gap

/** `found` are the templates; `send(values)` gives the command and throws when it is refused. */
export async function askTemplate({ words, found, send }) {
  const chosen = found.length === 1 ? found[0] : await pick(words, found);
  if (!chosen) return;
  const gaps = chosen.fields.filter((field) => !field.value);
  await ask({
    title: words.t("ask_template_title"),
    text: chosen.text,
    fields: gaps.map(({ title }, index) => ({ name: `gap${index}`, label: title, long: true, required: true, limit: LIMIT })),
    yes: words.t("as_template"),
    no: words.t("cancel"),
    send: (entered) => {
      const filled = gaps.map(({ name }, index) => [name, entered[`gap${index}`]]);
      const known = chosen.fields.map(({ name, value }) => [name, value]);
      return send({ template: chosen.name, values: Object.fromEntries([...known, ...filled]) });
    },
  });
}

async function pick(words, found) {
  const options = found.map(({ title }, index) => [String(index), title]);
  const values = await ask({
    title: words.t("ask_template_title"),
    text: words.t("ask_template_text"),
    fields: [{ name: "which", label: words.t("template"), options }],
    yes: words.t("next"),
    no: words.t("cancel"),
  });
  return values && found[Number(values.which)];
}
