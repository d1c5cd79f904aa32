// What a page reports as done is said aloud, and the keyboard goes on where it was.
"use strict";
{
  const notice = document.querySelector(".done");
  const focused = () => document.activeElement !== document.body || document.querySelector("[autofocus]");
  if (notice) {
    // Screen readers tell what changes in a live region, not what a page begins with.
    const live = document.createElement("div");
    live.className = "unseen";
    live.setAttribute("role", "status");
    document.body.append(live);
    setTimeout(() => { live.textContent = notice.firstChild.textContent.trim(); }, 200);
    if (!focused()) {
      const decided = location.hash.startsWith("#card-");
      const last = [...document.querySelectorAll(".card")].at(-1);
      ((decided && last) || document.querySelector("#main")).focus({ preventScroll: true });
    }
  }
}
