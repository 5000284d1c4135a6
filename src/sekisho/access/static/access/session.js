// The player of one session: live from the recording as it grows, or a replay of the same recording.
"use strict";

{
  const place = document.getElementById("player");
  const common = { fit: "width", terminalFontFamily: "'Noto Sans Mono CJK JP', 'BIZ UDGothic', monospace", theme: "auto/asciinema" };
  if (place.dataset.live) {
    const source = { driver: "eventsource", url: place.dataset.live };
    AsciinemaPlayer.create(source, place, { ...common, autoPlay: true, controls: false });
    place.setAttribute("aria-live", "off");
  } else {
    replay(place, common);
  }

  function replay(place, common) {
    const speed = document.getElementById("speed");
    const idle = document.getElementById("idle");
    const link = document.getElementById("link");
    let at = Number(place.dataset.at);
    let player;

    const start = () => {
      if (player) player.dispose();
      const from = at > 0 ? `?from=${at}` : "";
      const options = { ...common, poster: "npt:0:05", speed: Number(speed.value), idleTimeLimit: idle.checked ? 1 : undefined };
      if (at > 0) Object.assign(options, { startAt: at, autoPlay: true, idleTimeLimit: undefined });
      player = AsciinemaPlayer.create(place.dataset.cast + from, place, options);
    };
    const restart = async () => {
      at = await player.getCurrentTime();
      start();
    };
    speed.addEventListener("change", restart);
    idle.addEventListener("change", start);
    link.addEventListener("click", async () => {
      const moment = (await player.getCurrentTime()).toFixed(1);
      const url = new URL(location.pathname + `?t=${moment}`, location.href).href;
      const shown = document.getElementById("link-shown");
      try {
        await navigator.clipboard.writeText(url);
        shown.textContent = link.dataset.done;
      } catch {
        shown.textContent = url;
      }
    });
    start();
  }
}
