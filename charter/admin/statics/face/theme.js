// Runs before the page is painted: the colours that the reader chose (else those of the system), and their time zone,
// which the server needs to know where a day begins.
(() => {
  "use strict";
  const key = "charter:theme";
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;

  function chosen() {
    try {
      return localStorage.getItem(key) || "";
    } catch {
      return ""; // a browser that keeps nothing follows the system
    }
  }

  function paint() {
    const theme = chosen();
    root.dataset.bsTheme = theme || (dark.matches ? "dark" : "light");
    root.dataset.theme = theme || "system";
  }

  paint();
  dark.addEventListener("change", paint);
  addEventListener("storage", paint);

  window.charterTheme = {
    next() {
      const order = ["", "light", "dark"];
      const theme = order[(order.indexOf(chosen()) + 1) % order.length];
      try {
        localStorage.setItem(key, theme);
      } catch {
        return root.dataset.theme;
      }
      paint();
      return root.dataset.theme;
    },
  };

  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  const secure = location.protocol === "https:" ? ";secure" : "";
  document.cookie = `zone=${encodeURIComponent(zone)};path=/admin;max-age=31536000;samesite=strict${secure}`;
})();
