// Follows what a page says of a job: when there is news, the parts of the page that differ are
// replaced by those of the page as the server makes it then. Without this the page is loaded anew.
const followed = document.querySelector("[data-events]");
const events = new EventSource(followed.dataset.events);
let asking = false, more = false;

async function show() {
  if (asking) { more = true; return; }
  asking = true;
  do {
    more = false;
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.ok) replaceParts(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } while (more);
  asking = false;
}

function replaceParts(page) {
  for (const part of document.querySelectorAll("[data-part]")) {
    const fresh = page.querySelector(`[data-part="${part.dataset.part}"]`);
    if (fresh && fresh.innerHTML !== part.innerHTML) part.replaceChildren(...fresh.childNodes);
  }
}

function follow() { show().catch(() => { asking = false; }); }

events.addEventListener("progress", follow);
events.addEventListener("end", () => { events.close(); follow(); });
