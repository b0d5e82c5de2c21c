// Whatever a script of the admin sends says which sign-in its page belongs to.
(() => {
  const token = document.querySelector('meta[name="form-token"]');
  if (token && window.jQuery) {
    window.jQuery.ajaxSetup({ headers: { "X-Form-Token": token.content } });
  }
})();
