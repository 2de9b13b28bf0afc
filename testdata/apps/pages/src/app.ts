// A single-page app beside real pages. The server answers any path without a file with index.html.
import { title } from "./shared";

function show(): void {
  document.querySelector("#route")!.textContent = title(location.pathname);
}

document.addEventListener("click", (event) => {
  const link = (event.target as Element).closest<HTMLAnchorElement>("a[data-route]");
  if (!link) return;
  event.preventDefault();
  history.pushState(null, "", link.href);
  show();
});
addEventListener("popstate", show);
show();

import.meta.hot?.accept();
