// Cells of a list that are changed where they stand: the server gives the form, and then the row as the list has it.
(() => {
  "use strict";
  const FORM = "ch-inline-form";
  const TOLD = "ch-inline-told";
  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const token = (one("meta[name=form-token]") || { content: "" }).content;

  const close = (root) => all(`.${FORM}, .${TOLD}`, root).forEach((part) => part.remove());

  const leave = (cell) => {
    close(cell);
    one("[data-inline]", cell).focus();
  };

  const tell = (cell, words) => {
    all(`.${TOLD}`, cell).forEach((part) => part.remove());
    const line = Object.assign(document.createElement("div"), { className: TOLD, textContent: words });
    line.setAttribute("role", "alert");
    cell.append(line);
  };

  // What the server says to a cell: a part of a page, or null where there is none and the cell has been told why.
  const ask = async (cell, method, body) => {
    const address = one("[data-inline]", cell).dataset.inline;
    try {
      const answer = await fetch(address, { method, body, headers: { Accept: "application/json", "X-Form-Token": token } });
      const text = await answer.text();
      if (answer.redirected || answer.status === 204) location.reload(); // signed out, or no longer in the list
      else if ((answer.headers.get("content-type") || "").includes("json")) tell(cell, JSON.parse(text).detail);
      else return { isRow: answer.ok && method === "POST", text };
    } catch {
      tell(cell, "The server does not answer.");
    }
    return null;
  };

  const renew = (cell, text) => {
    const address = one("[data-inline]", cell).dataset.inline;
    const table = document.createElement("table");
    table.innerHTML = text;
    const row = one("tr", table);
    cell.closest("tr").replaceWith(row);
    row.dispatchEvent(new Event("charter:new", { bubbles: true }));
    const button = all("[data-inline]", row).find((item) => item.dataset.inline === address);
    if (button) button.focus();
  };

  const open = (cell, text) => {
    close(cell);
    cell.insertAdjacentHTML("beforeend", text);
    const form = one(`.${FORM}`, cell);
    const input = one("input:not([type=hidden]), select, textarea", form);
    input.focus();
    if (input.select) input.select();
    one("[data-inline-cancel]", form).addEventListener("click", () => leave(cell));
    form.addEventListener("keydown", (event) => {
      if (event.key === "Escape") leave(cell);
    });
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const found = await ask(cell, "POST", new URLSearchParams(new FormData(form)));
      if (found) (found.isRow ? renew : open)(cell, found.text);
    });
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest ? event.target.closest("[data-inline]") : null;
    if (!button) return;
    close(document); // one at a time
    const cell = button.closest("td");
    const found = await ask(cell, "GET");
    if (found) open(cell, found.text);
  });
})();
