// The screens of the sessions that one person attends, side by side, each live from its recording as it grows.
"use strict";

for (const place of document.querySelectorAll(".screen[data-live]")) {
  const source = { driver: "eventsource", url: place.dataset.live };
  const look = { fit: "width", terminalFontFamily: "'Noto Sans Mono CJK JP', 'BIZ UDGothic', monospace", theme: "auto/asciinema" };
  AsciinemaPlayer.create(source, place, { ...look, autoPlay: true, controls: false });
  place.setAttribute("aria-live", "off");
}
