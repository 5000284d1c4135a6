// The sign in a browser. Asks its gate again and again; an answer counts for 2.5 s from the moment of asking, by the
// steady clock, so that a page that slept, lost its network or its gate says "unknown" and never what was true before.
"use strict";

const FRESH = 2500;
const WORDS = {
  connected: { shape: "●", ja: "接続中", en: "Connected" },
  "not-connected": { shape: "○", ja: "接続していません", en: "Not connected" },
  unknown: { shape: "✕", ja: "不明", en: "Unknown" },
};
const show = (id, text) => {
  const place = document.getElementById(id);
  if (place.textContent !== text) place.textContent = text;
};
let known = { state: "unknown", asked: -Infinity };

function draw() {
  const fresh = performance.now() - known.asked < FRESH;
  const state = fresh ? known.state : "unknown";
  const words = WORDS[state];
  document.body.dataset.state = state;
  document.title = `接続表示 ${words.ja} / ${words.en}`;
  for (const part of ["shape", "ja", "en"]) show(part, words[part]);
  const minutes = Math.floor(known.seconds / 60);
  const since = minutes ? [`${minutes}分前から`, `for ${minutes} min`] : ["たったいまから", "since just now"];
  const more = {
    connected: [`${known.sessions}件、${since[0]}。画面はすべて記録されています。`, `${known.sessions}, ${since[1]}. Everything is recorded.`],
    "not-connected": [`${since[0]}`, `${since[1]}`],
    unknown: ["関所からの知らせが届きません。情報システム担当に知らせてください。", "No word from the gate. Tell the systems division."],
  };
  show("more-ja", more[state][0]);
  show("more-en", more[state][1]);
}

async function ask() {
  for (;;) {
    const asked = performance.now();
    const nonce = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
    try {
      const told = asked - known.asked < FRESH ? known.state : "unknown";
      const answer = await fetch(`/beat?nonce=${nonce}&known=${told}`, { cache: "no-store", signal: AbortSignal.timeout(FRESH) });
      const text = await answer.text();
      const beat = JSON.parse(text.slice(0, text.lastIndexOf(" ")));
      if (!answer.ok || beat.nonce !== nonce || !(beat.state in WORDS)) throw new Error(text);
      known = { ...beat, asked };
    } catch {
      await new Promise((done) => setTimeout(done, 300));
    }
    draw();
  }
}

setInterval(draw, 100);
document.addEventListener("visibilitychange", draw);
ask();
