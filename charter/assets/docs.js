// Starts Swagger UI; a file of its own, so that the page needs no inline script.
"use strict";
window.addEventListener("DOMContentLoaded", () => {
  const root = document.getElementById("swagger-ui");
  window.ui = SwaggerUIBundle({
    url: root.dataset.openapi,
    dom_id: "#swagger-ui",
    deepLinking: true,
    displayOperationId: true,
    displayRequestDuration: true,
    docExpansion: "list",
    filter: true,
    layout: "BaseLayout",
    persistAuthorization: true,
    presets: [SwaggerUIBundle.presets.apis],
    showCommonExtensions: true,
    validatorUrl: null, // the default one asks a foreign host
  });
});
