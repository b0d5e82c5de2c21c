// What the admin's pages do by themselves. Each part looks for its own marks and does nothing where there are none.
(() => {
  "use strict";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const one = (selector, root = document) => root.querySelector(selector);

  // Times: the server writes UTC, the reader sees their own zone, and UTC stays in the title

  const near = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  const brief = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "numeric", minute: "2-digit" });
  const isNow = (moment) => moment.getFullYear() === new Date().getFullYear();
  const tellTimes = (root) => all("time[datetime]", root).forEach((mark) => {
    const moment = new Date(mark.dateTime);
    const written = mark.closest(".ch-board") && isNow(moment) ? brief : near; // its cards are narrow
    if (!Number.isNaN(moment.getTime())) mark.textContent = written.format(moment);
  });
  tellTimes(document);
  document.addEventListener("charter:new", (event) => tellTimes(event.target)); // a part that came later

  // Colours

  const switcher = one("[data-theme-switch]");
  if (switcher) {
    const names = { system: "as the system has it", light: "light", dark: "dark" };
    const icons = { system: "fa-circle-half-stroke", light: "fa-sun", dark: "fa-moon" };
    const label = (theme) => {
      switcher.setAttribute("aria-label", `Colours: ${names[theme]}. Change`);
      switcher.title = `Colours: ${names[theme]}`;
      one("i", switcher).className = `fa-solid ${icons[theme]}`;
    };
    label(document.documentElement.dataset.theme);
    switcher.addEventListener("click", () => label(window.charterTheme.next()));
  }

  // The menu of a narrow window

  const opener = one("[data-menu-button]");
  const side = one("#side");
  if (opener && side) {
    const open = (is) => {
      side.classList.toggle("is-open", is);
      opener.setAttribute("aria-expanded", String(is));
      if (is) one("a", side).focus();
      else if (side.contains(document.activeElement)) opener.focus();
    };
    opener.addEventListener("click", (event) => {
      event.stopPropagation();
      open(!side.classList.contains("is-open"));
    });
    document.addEventListener("click", (event) => {
      if (side.classList.contains("is-open") && !side.contains(event.target)) open(false);
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && side.classList.contains("is-open")) open(false);
    });
  }

  // Small menus close when one looks elsewhere

  document.addEventListener("click", (event) => {
    all("details.ch-drop[open]").forEach((menu) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && event.target.closest ? event.target.closest("details.ch-drop[open]") : null;
    if (!menu) return;
    menu.open = false;
    one("summary", menu).focus();
  });

  // A list's filters: the panel, and addresses without empty parameters

  const panel = one("#filters");
  const toggle = one("[data-filters-button]");
  if (panel && toggle) {
    toggle.addEventListener("click", () => {
      panel.hidden = !panel.hidden;
      toggle.setAttribute("aria-expanded", String(!panel.hidden));
      const first = panel.hidden ? null : one("input:not([type=hidden]), select", panel);
      if (first) first.focus();
    });
  }
  all("form[data-lean]").forEach((form) => {
    form.addEventListener("submit", () => {
      const empty = all("[name]", form).filter((input) => !input.value);
      empty.forEach((input) => { input.disabled = true; });
      setTimeout(() => empty.forEach((input) => { input.disabled = false; }));
    });
  });

  // Saved filters: names for addresses, kept by this browser alone

  const saved = one("[data-saved]");
  if (saved) {
    const key = `charter:filters:${saved.dataset.saved}`;
    const list = one("ul", saved);
    const form = one("form", saved);
    const read = () => {
      try {
        const found = JSON.parse(localStorage.getItem(key) || "[]");
        return Array.isArray(found) ? found.filter((item) => item && item.name && typeof item.query === "string") : [];
      } catch {
        return [];
      }
    };
    const write = (items) => {
      try {
        localStorage.setItem(key, JSON.stringify(items));
      } catch {
        // a browser that keeps nothing has no saved filters
      }
      show();
    };
    const here = () => {
      const query = new URLSearchParams(location.search);
      ["page", "error"].forEach((name) => query.delete(name));
      return query.toString();
    };
    const show = () => {
      const items = read();
      list.replaceChildren(...items.map((item) => {
        const row = document.createElement("li");
        const link = document.createElement("a");
        link.href = `?${item.query}`;
        link.textContent = item.name;
        const remove = document.createElement("button");
        remove.type = "button";
        remove.className = "ch-round";
        remove.setAttribute("aria-label", `Forget ${item.name}`);
        remove.textContent = "×";
        remove.addEventListener("click", (event) => {
          event.stopPropagation();
          write(read().filter((other) => other.name !== item.name));
          one("summary", saved).focus();
        });
        row.append(link, remove);
        return row;
      }));
      list.hidden = !items.length;
    };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const name = form.elements.label.value.trim();
      if (!name) return;
      write([...read().filter((item) => item.name !== name), { name, query: here() }]);
      form.reset();
    });
    show();
  }

  // References: a box to type into, and the rows that are called so

  all("[data-look-up]").forEach((box) => {
    const hidden = one("input[type=hidden]", box);
    const input = one("[role=combobox]", box);
    const list = one("[role=listbox]", box);
    const clear = one(".ch-clear", box);
    let chosen = input.value;
    let active = -1;
    let asked = 0;
    let waiting = 0;

    const options = () => all("[role=option]", list);
    const close = () => {
      list.hidden = true;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
      active = -1;
    };
    const mark = (place) => {
      const found = options();
      if (!found.length) return;
      active = (place + found.length) % found.length;
      found.forEach((option, index) => option.setAttribute("aria-selected", String(index === active)));
      input.setAttribute("aria-activedescendant", found[active].id);
      found[active].scrollIntoView({ block: "nearest" });
    };
    const take = (id, text) => {
      hidden.value = id;
      input.value = chosen = text;
      if (clear) clear.hidden = !id;
      hidden.dispatchEvent(new Event("change", { bubbles: true }));
      close();
    };
    const show = (results) => {
      list.replaceChildren(...(results.length ? results.map((item, index) => {
        const option = document.createElement("li");
        option.id = `${list.id}-${index}`;
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        option.textContent = item.text;
        option.addEventListener("mousedown", (event) => {
          event.preventDefault();
          take(item.id, item.text);
        });
        return option;
      }) : [Object.assign(document.createElement("li"), { className: "ch-none", textContent: "Nothing is called so.", role: "presentation" })]));
      list.hidden = false;
      input.setAttribute("aria-expanded", "true");
      active = -1;
    };
    const ask = async (term) => {
      const turn = ++asked;
      const address = new URL(box.dataset.url, location.href);
      address.searchParams.set("name", box.dataset.lookUp);
      address.searchParams.set("term", term);
      try {
        const answer = await fetch(address, { headers: { Accept: "application/json" } });
        if (!answer.ok || turn !== asked) return;
        show((await answer.json()).results);
      } catch {
        close(); // without a network there is nothing to choose from
      }
    };
    input.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => ask(input.value.trim()), 150);
    });
    input.addEventListener("focus", () => input.select());
    input.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown" && list.hidden) ask(input.value === chosen ? "" : input.value.trim());
      else if (event.key === "ArrowDown") mark(active + 1);
      else if (event.key === "ArrowUp" && !list.hidden) mark(active - 1);
      else if (event.key === "Escape" && !list.hidden) close();
      else if (event.key === "Enter" && !list.hidden && active >= 0) options()[active].dispatchEvent(new MouseEvent("mousedown", { cancelable: true }));
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    input.addEventListener("click", () => {
      if (list.hidden) ask(input.value === chosen ? "" : input.value.trim());
    });
    input.addEventListener("blur", () => {
      if (!input.value.trim() && clear) take("", "");
      input.value = chosen; // what was typed and not chosen means nothing
      close();
    });
    if (clear) {
      clear.hidden = !hidden.value;
      clear.addEventListener("click", () => {
        take("", "");
        input.focus();
      });
    }
  });

  // Forms

  all("[data-slug]").forEach((input) => {
    const line = document.createElement("p");
    const code = document.createElement("code");
    line.className = "ch-help";
    line.append("Slug: ", code);
    input.after(line);
    const show = () => {
      const slug = input.value.normalize("NFKC").toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "").slice(0, 80);
      code.textContent = slug;
      line.hidden = !slug;
    };
    input.addEventListener("input", show);
    show();
  });

  all("textarea[data-json-text]").forEach((area) => {
    area.addEventListener("input", () => {
      try {
        if (area.value.trim()) JSON.parse(area.value);
        area.setCustomValidity("");
      } catch (error) {
        area.setCustomValidity(`This is no JSON: ${error.message}`);
      }
    });
  });

  const wrong = one(".is-invalid, [aria-invalid=true]");
  if (wrong) (wrong.matches("input, select, textarea") ? wrong : one("input:not([type=hidden])", wrong) || wrong).focus();

  all("[data-print]").forEach((button) => button.addEventListener("click", () => print()));
})();
