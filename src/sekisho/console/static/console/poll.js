// Keeps a part of a page fresh: <div data-poll="/home/inside/" data-poll-seconds="5">…</div> is replaced by what
// the URL answers (a fragment without the shell). Its view carries @background, so that looking on never keeps a
// session signed in. When the answer is not the fragment (signed out, console down) it says so and stops hiding age.
// With data-poll-post the asking is itself a sign (of somebody's presence), and goes as a POST with the page's token.
// A part in which somebody is about to press a button is left alone: a click must never miss.
"use strict";

const TOKEN = /name="csrfmiddlewaretoken" value="[^"]*"/g; // differs in every answer

for (const part of document.querySelectorAll("[data-poll]")) {
  const wait = Number(part.dataset.pollSeconds || 5) * 1000;
  const again = () => setTimeout(ask, wait);
  const title = document.title;
  let called = 0;

  // What cannot wait is in the tab's title, and heard once where the browser lets a page be heard.
  function call() {
    const calls = Number(part.querySelector("[data-alert]")?.dataset.alert || 0);
    if (calls || called) document.title = calls ? `(${calls}) ${title}` : title;
    if (calls > called) chime();
    called = calls;
  }

  function chime() {
    try {
      const audio = new AudioContext();
      const tone = audio.createOscillator();
      tone.frequency.value = 880;
      tone.connect(audio.destination);
      tone.start();
      tone.stop(audio.currentTime + 0.4);
    } catch {
      // No sound here: the title says it.
    }
  }

  const stale = (is) => part.toggleAttribute("data-stale", is);

  async function ask() {
    // A page that nobody sees asks for nothing, unless it is there to call somebody.
    if (document.hidden && !("pollCalls" in part.dataset)) return again();
    try {
      const how = { redirect: "manual", signal: AbortSignal.timeout(10_000) };
      const token = document.querySelector("[name=csrfmiddlewaretoken]");
      if ("pollPost" in part.dataset) Object.assign(how, { method: "POST", headers: { "X-CSRFToken": token.value } });
      const answer = await fetch(part.dataset.poll, how);
      if (answer.type === "opaqueredirect") return location.reload();
      if (!answer.ok) throw new Error(String(answer.status));
      const text = await answer.text();
      stale(false);
      const said = text.replace(TOKEN, "");
      if (said === part.said || part.matches(":focus-within, :active")) return again();
      part.said = said;
      part.innerHTML = text;
      call();
    } catch {
      stale(true);
    }
    again();
  }
  call();
  again();
}
