// The chat on a shop's page: a button at the lower right, and the chat page in a frame.
// <script src="https://support.example.com/web/widget.js" type="module"></script>

const base = new URL("..", import.meta.url);
const german = (navigator.language ?? "").startsWith("de");
const WORDS = german
  ? { open: "Hilfe und Kontakt", close: "Chat schließen", title: "Chat mit dem Kundenservice", unread: "neue Nachrichten" }
  : { open: "Help and contact", close: "Close chat", title: "Chat with customer service", unread: "new messages" };

class Widget extends HTMLElement {
  connectedCallback() {
    const root = this.attachShadow({ mode: "open" });
    const style = document.createElement("link");
    style.rel = "stylesheet";
    style.href = new URL("web/widget.css", base);
    this.button = document.createElement("button");
    this.button.type = "button";
    this.button.hidden = true;
    style.onload = () => (this.button.hidden = false);
    this.label = document.createElement("span");
    this.badge = document.createElement("b");
    this.badge.hidden = true;
    this.button.append(this.label, this.badge);
    this.button.addEventListener("click", () => this.toggle());
    this.panel = document.createElement("div");
    this.panel.className = "panel";
    this.panel.hidden = true;
    root.append(style, this.panel, this.button);
    window.addEventListener("message", (event) => this.hear(event));
    this.draw();
    if (location.hash === "#chat") this.toggle();
  }

  toggle() {
    this.panel.hidden = !this.panel.hidden;
    if (!this.frame) this.makeFrame();
    else if (!this.panel.hidden) this.tell();
    this.draw();
    if (this.panel.hidden) this.button.focus();
  }

  makeFrame() {
    this.frame = document.createElement("iframe");
    this.frame.title = WORDS.title;
    this.frame.src = new URL("chat", base);
    this.frame.addEventListener("load", () => this.tell());
    this.panel.append(this.frame);
  }

  tell() {
    this.frame.contentWindow.postMessage({ schalter: "opened" }, base.origin);
    this.frame.focus();
  }

  hear(event) {
    if (!this.frame || event.source !== this.frame.contentWindow) return;
    if (event.data?.schalter === "close" && !this.panel.hidden) this.toggle();
    if (event.data?.schalter === "unread") this.count(event.data.count);
  }

  count(count) {
    this.badge.hidden = !(count > 0);
    this.badge.textContent = String(count);
    this.badge.setAttribute("aria-label", `${count} ${WORDS.unread}`);
  }

  draw() {
    const open = !this.panel.hidden;
    this.button.setAttribute("aria-expanded", String(open));
    this.label.textContent = open ? WORDS.close : WORDS.open;
    this.classList.toggle("open", open);
  }
}

customElements.define("schalter-chat", Widget);
document.body.append(document.createElement("schalter-chat"));
