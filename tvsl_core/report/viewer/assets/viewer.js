"use strict";
// Names of videos and classes are text of strangers: they only ever become textContent, never markup.
const tvsl = (() => {
  const ROW = 76, AROUND = 8, COLOURS = ["#e8a33d", "#4aa3df", "#7bc043", "#e15759", "#b07aa1", "#2ab7a9", "#f28cb1", "#9c8f5a"];
  const $ = (id) => document.getElementById(id);
  const rows = [], videos = new Map(), waiting = new Map();
  let base = "", served = false, chosen = [], current = null, solo = null, quiet = false, drawn = "";

  const make = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "text") node.textContent = value;
      else if (name === "style") Object.assign(node.style, value);
      else node.setAttribute(name, value);
    }
    node.append(...children);
    return node;
  };
  const clock = (seconds, digits = 1) => {
    const scale = 10 ** digits, whole = Math.floor(Math.max(0, seconds) * scale + 1e-6) / scale;
    const minutes = Math.floor(whole / 60), rest = (whole - 60 * minutes).toFixed(digits);
    return `${minutes}:${rest.padStart(digits ? digits + 3 : 2, "0")}`;
  };
  const percent = (score) => `${Math.round(100 * score)} %`;
  const colour = (source) => COLOURS[source % COLOURS.length];

  // ---- all videos -------------------------------------------------------------------------------------------------
  const words = (row) => row.found.map((one) => one.class + (one.verdict === "offscreen" ? " (off screen)" : "")).join(", ");
  function choose() {
    const text = $("search").value.trim().toLowerCase(), name = $("class").value, verdict = $("verdict").value;
    const score = Number($("score").value) || 0, shortest = Number($("shortest").value) || 0, state = $("status").value;
    const fits = (one) => (!name || one.class === name) && (!verdict || (one.verdict === "offscreen") === (verdict === "offscreen")) && one.score >= score;
    const asks = name || verdict || score > 0;
    chosen = rows.filter((row) => (!state || row.status === state) && (row.duration || 0) >= shortest
      && (!asks || row.found.some(fits)) && (!text || row.name.toLowerCase().includes(text) || words(row).toLowerCase().includes(text)));
    const best = (row) => Math.max(0, ...row.found.map((one) => one.score));
    const order = { name: (a, b) => a.name.localeCompare(b.name), score: (a, b) => best(b) - best(a),
      duration: (a, b) => (b.duration || 0) - (a.duration || 0), events: (a, b) => b.events - a.events };
    chosen.sort(order[$("sort").value]);
    $("count").textContent = `${chosen.length.toLocaleString()} of ${rows.length.toLocaleString()} videos`;
    $("rows").style.height = `${chosen.length * ROW}px`;
    drawn = "";
    draw();
  }
  function draw() {
    const list = $("list"), first = Math.max(0, Math.floor(list.scrollTop / ROW) - AROUND);
    const last = Math.min(chosen.length, Math.ceil((list.scrollTop + list.clientHeight) / ROW) + AROUND);
    if (drawn === `${first} ${last}`) return;
    drawn = `${first} ${last}`;
    const focused = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.id : null;
    $("rows").replaceChildren(...chosen.slice(first, last).map((row, n) => line(row, first + n)));
    if (focused) { const again = $("rows").querySelector(`[data-id="${focused}"]`); if (again) again.focus({ preventScroll: true }); }
  }
  function line(row, place) {
    const what = row.status === "done" ? words(row) || "no sounding source found" : `${row.status}: ${row.error || "not reached yet"} ${row.hint || ""}`;
    const picture = row.thumb ? make("img", { src: row.thumb.startsWith("data:") ? row.thumb : base + row.thumb, alt: "", loading: "lazy" }) : make("div", { class: "blank" });
    const link = make("a", { class: "row", role: "listitem", "data-id": row.id, "aria-posinset": place + 1, "aria-setsize": chosen.length, style: { top: `${place * ROW}px` } },
      picture, make("div", { class: "body" }, make("div", { class: "title", text: row.name }), make("div", { class: row.status === "failed" ? "what bad" : "what", text: what })),
      make("div", { class: "length", text: row.duration ? clock(row.duration, 0) : "" }));
    if (row.status === "done") link.href = `#/v/${row.id}`;
    else link.tabIndex = 0;
    return link;
  }
  function printed() {
    const body = chosen.slice(0, 2000).map((row) => make("tr", {}, make("td", { text: row.name }), make("td", { text: row.status === "done" ? words(row) : row.error }), make("td", { text: row.duration ? clock(row.duration, 0) : "" })));
    $("printed").replaceChildren(make("table", {}, make("tbody", {}, ...body)));
  }

  // ---- one video --------------------------------------------------------------------------------------------------
  function load(id, then) {
    if (videos.has(id)) { then(videos.get(id)); return; }
    waiting.set(id, then);
    const script = make("script", { src: `${base}data/video-${id}.js` });
    script.onerror = () => { $("trouble").textContent = "The data of this video are not in this report. Make the report again."; };
    document.body.append(script);
  }
  function open(id, time) {
    $("overview").hidden = true;
    $("watch").hidden = false;
    load(id, (found) => { if (current !== found) show(found); if (time !== null) seek(time); $("main").focus({ preventScroll: true }); });
  }
  function show(found) {
    current = found; solo = null;
    const video = $("video");
    $("trouble").textContent = "";
    $("name").textContent = found.name;
    $("about").textContent = `${clock(found.duration, 1)}, ${found.width} × ${found.height}, ${found.events.length} ${found.events.length === 1 ? "event" : "events"}` + (found.has_maps ? "" : ". Heatmaps were not stored; annotate with --save-maps to see them here");
    video.src = served ? `${base}media/${found.id}` : found.src;
    video.setAttribute("aria-label", found.name);
    video.style.setProperty("--shape", String(found.width / found.height || 1.78));
    lanes(); table(); wave();
  }
  function lanes() {
    const rows = grouped(current.events, (event) => event.source).map(([source, events]) => {
      const who = make("button", { type: "button", class: "who", "aria-pressed": "false", title: "Hear only the moments of this source" }, make("span", { class: "dot", style: { background: colour(source) } }), document.createTextNode(events[0].label));
      who.onclick = (event) => { event.stopPropagation(); solo = solo === source ? null : source; for (const other of document.querySelectorAll("button.who")) other.setAttribute("aria-pressed", String(other === who && solo !== null)); tick(); };
      return [events[0].class, make("div", { class: "lane" }, who, ...events.map((event) => bar(event, told(event))))];
    });
    // What people say of a class stands below the model's last lane of that class.
    for (const [name, events] of peopled() ? grouped(current.people.events, (event) => event.class) : []) {
      const lane = make("div", { class: "lane said" }, make("span", { class: "who", text: `people: ${name}` }), ...events.map((event) => bar(event, `people say ${span(event)}`)));
      const last = rows.map((row) => row[0]).lastIndexOf(name);
      rows.splice(last === -1 ? rows.length : last + 1, 0, [name, lane]);
    }
    $("lanes").replaceChildren(...rows.map((row) => row[1]));
  }
  const peopled = () => current.people !== null && $("people").checked;
  function grouped(events, key) {
    const by = new Map();
    for (const event of events) { if (!by.has(key(event))) by.set(key(event), []); by.get(key(event)).push(event); }
    return [...by.entries()];
  }
  function bar(event, name) {
    const made = make("button", { type: "button", class: event.verdict === "offscreen" ? "event off" : "event", title: name, "aria-label": name,
      style: { left: `${100 * event.start / current.duration}%`, width: `${100 * (event.end - event.start) / current.duration}%`, backgroundColor: colour(event.source), opacity: String(0.45 + 0.55 * event.score) } });
    made.onclick = (click) => { click.stopPropagation(); seek(event.start); };
    return made;
  }
  const span = (event) => `${event.class}, ${clock(event.start)} to ${clock(event.end)}${event.verdict === "offscreen" ? ", off screen" : ""}`;
  const told = (event) => `${event.label}, ${clock(event.start)} to ${clock(event.end)}, ${percent(event.score)}${event.verdict === "offscreen" ? ", off screen" : event.verdict === "uncertain" ? ", uncertain" : ""}` + (event.others.length ? `; could also be ${event.others.map((one) => `${one[0]} ${percent(one[1])}`).join(", ")}` : "");
  function table() {
    const added = current.people ? current.people.events.filter((event) => current.added.includes(event.id)) : [];
    $("said").hidden = $("people-choice").hidden = current.people === null;
    $("events").tBodies[0].replaceChildren(...[...current.events, ...added].map((event) => {
      const go = make("a", { href: `#/v/${current.id}?t=${event.start.toFixed(2)}`, text: clock(event.start) });
      const cells = [event.label, null, clock(event.end), added.includes(event) ? "" : percent(event.score), event.verdict === "offscreen" ? "off screen" : event.verdict === "uncertain" ? "in view, uncertain" : "in view", event.others.map((one) => `${one[0]} ${percent(one[1])}`).join(", ")];
      if (current.people !== null) cells.push(added.includes(event) ? "added" : event.opinion);
      return make("tr", {}, ...cells.map((text) => text === null ? make("td", {}, go) : make("td", { text })));
    }));
  }
  function wave() {
    const canvas = $("wave"), width = canvas.clientWidth * (window.devicePixelRatio || 1), pen = canvas.getContext("2d");
    canvas.width = Math.max(1, width); canvas.height = 48;
    pen.fillStyle = getComputedStyle(document.body).color; pen.globalAlpha = 0.55;
    const peaks = current.wave, step = canvas.width / Math.max(1, peaks.length);
    peaks.forEach((peak, n) => { const tall = Math.max(1, peak / 255 * 46); pen.fillRect(n * step, 24 - tall / 2, Math.max(1, step), tall); });
  }
  const active = (event, time) => event.start <= time && time < event.end;
  function bytes(text) { const raw = atob(text), found = new Uint8Array(raw.length); for (let n = 0; n < raw.length; n++) found[n] = raw.charCodeAt(n); return found; }
  // The instants just before and after a time inside an event, and how far between them the time lies.
  function around(event, time, instants = current.instants) {
    const own = event.instants || (event.instants = instants.filter((one) => one.source === event.source && active(event, one.time)));
    if (!own.length) return null;
    let after = own.findIndex((one) => one.time > time);
    if (after === -1) after = own.length - 1;
    const before = Math.max(0, after - 1), gap = own[after].time - own[before].time;
    return [own[before], own[after], gap > 0 ? Math.min(1, Math.max(0, (time - own[before].time) / gap)) : 0];
  }
  function paint(time) {
    const video = $("video"), canvas = $("overlay"), pen = canvas.getContext("2d");
    const width = video.clientWidth, height = video.clientHeight, scale = window.devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
      canvas.width = Math.round(width * scale); canvas.height = Math.round(height * scale);
      canvas.style.width = `${width}px`; canvas.style.height = `${height}px`;
    }
    canvas.style.left = `${video.offsetLeft}px`; canvas.style.top = `${video.offsetTop}px`;
    pen.clearRect(0, 0, canvas.width, canvas.height);
    for (const event of current.events.filter((one) => active(one, time))) {
      const near = around(event, time);
      if (!near) continue;
      const [a, b, share] = near, fade = Math.min(1, (time - event.start) / 0.15 + 0.2, (event.end - time) / 0.15 + 0.2);
      if ($("heat").checked && a.map) glow(pen, canvas, a, b.map ? b : a, share, colour(event.source), fade);
      if ($("boxes").checked && a.box) frame(pen, canvas, a.box, b.box || a.box, share, event, `${event.label} ${percent(event.score)}`);
    }
    pen.setLineDash([6, 4]);
    for (const event of peopled() && $("boxes").checked ? current.people.events.filter((one) => active(one, time)) : []) {
      const near = around(event, time, current.people.instants);
      if (near && near[0].box) frame(pen, canvas, near[0].box, near[1].box || near[0].box, near[2], event, `people: ${event.class}`);
    }
    pen.setLineDash([]);
  }
  function glow(pen, canvas, a, b, share, tint, fade) {
    a.cells = a.cells || bytes(a.map); b.cells = b.cells || bytes(b.map);
    const small = glow.small || (glow.small = document.createElement("canvas"));
    small.width = a.cols; small.height = a.rows;
    const inner = small.getContext("2d"), picture = inner.createImageData(a.cols, a.rows), [red, green, blue] = [1, 3, 5].map((n) => parseInt(tint.slice(n, n + 2), 16));
    for (let n = 0; n < a.rows * a.cols; n++) {
      const value = ((1 - share) * a.cells[n] + share * (b.cells.length === a.cells.length ? b.cells[n] : a.cells[n])) / 255, hot = value * value;
      picture.data.set([red + (255 - red) * hot * 0.6, green + (255 - green) * hot * 0.6, blue + (255 - blue) * hot * 0.3, 215 * fade * value ** 1.3], 4 * n);
    }
    inner.putImageData(picture, 0, 0);
    pen.imageSmoothingEnabled = true; pen.imageSmoothingQuality = "high";
    pen.drawImage(small, 0, 0, canvas.width, canvas.height);
  }
  function frame(pen, canvas, from, to, share, event, label) {
    const x = canvas.width / current.width, y = canvas.height / current.height, mix = from.map((value, n) => (1 - share) * value + share * to[n]), scale = window.devicePixelRatio || 1;
    pen.strokeStyle = colour(event.source); pen.lineWidth = 2.5 * scale;
    pen.strokeRect(mix[0] * x, mix[1] * y, (mix[2] - mix[0]) * x, (mix[3] - mix[1]) * y);
    pen.font = `${13 * scale}px system-ui, sans-serif`;
    const wide = pen.measureText(label).width + 10 * scale, top = Math.max(0, mix[1] * y - 20 * scale);
    pen.fillStyle = "rgba(15,16,20,.82)"; pen.fillRect(mix[0] * x, top, wide, 19 * scale);
    pen.fillStyle = "#fff"; pen.fillText(label, mix[0] * x + 5 * scale, top + 14 * scale);
  }
  function tick() {
    if (!current || $("watch").hidden) return;
    const video = $("video"), time = video.currentTime - current.offset, left = $("lanes").offsetLeft;
    $("clock").textContent = `${clock(time)} / ${clock(current.duration)}`;
    $("playhead").style.left = `${left + Math.min(1, Math.max(0, time / current.duration)) * $("lanes").clientWidth}px`;
    $("play").textContent = video.paused ? "Play" : "Pause";
    video.muted = quiet || (solo !== null && !current.events.some((event) => event.source === solo && active(event, time)));
    paint(time);
  }
  function loop() { tick(); requestAnimationFrame(loop); }
  const seek = (time) => {
    const video = $("video"), go = () => { video.currentTime = Math.max(0, time) + current.offset + 1e-3; };
    if (video.readyState >= 1) go(); else video.addEventListener("loadedmetadata", go, { once: true });
  };
  const now = () => $("video").currentTime - current.offset;
  const step = (seconds) => { $("video").pause(); seek(now() + seconds); };
  const jump = (forward) => {
    const starts = current.events.map((event) => event.start).sort((a, b) => a - b), at = now();
    const found = forward ? starts.find((start) => start > at + 0.05) : starts.filter((start) => start < at - 0.3).pop();
    if (found !== undefined) seek(found);
  };
  const toggle = () => { const video = $("video"); if (video.paused) video.play().catch(() => {}); else video.pause(); };
  const speed = (change) => { const menu = $("speed"); menu.selectedIndex = Math.min(menu.length - 1, Math.max(0, menu.selectedIndex + change)); $("video").playbackRate = Number(menu.value); };

  function keys(event) {
    if ($("watch").hidden || event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    const frame = 1 / (current && current.rate || 25);
    const does = { " ": toggle, ArrowLeft: () => step(event.shiftKey ? -1 : -frame), ArrowRight: () => step(event.shiftKey ? 1 : frame), n: () => jump(true), p: () => jump(false),
      "<": () => speed(-1), ">": () => speed(1), h: () => $("heat").click(), b: () => $("boxes").click(), m: () => { quiet = !quiet; }, Escape: () => { location.hash = "#/"; } };
    const act = does[event.key] || does[event.key.toLowerCase()];
    if (!act || (event.key === " " && event.target.tagName === "BUTTON")) return;
    event.preventDefault(); act(); tick();
  }
  function route() {
    const match = /^#\/v\/([0-9a-f]+)(?:\?t=([\d.]+))?$/.exec(location.hash);
    if (match) { open(match[1], match[2] === undefined ? null : Number(match[2])); return; }
    $("watch").hidden = true; $("overview").hidden = false; $("video").pause(); current = null; drawn = ""; draw();
  }
  function start(settings) {
    served = location.protocol.startsWith("http"); base = settings.base;
    const names = [...new Set(rows.flatMap((row) => row.found.map((one) => one.class)))].sort();
    $("class").append(...names.map((name) => make("option", { value: name, text: name })));
    for (const id of ["search", "class", "verdict", "score", "shortest", "status", "sort"]) $(id).addEventListener("input", choose);
    $("filters").addEventListener("submit", (event) => event.preventDefault());
    $("list").addEventListener("scroll", draw, { passive: true });
    window.addEventListener("resize", () => { drawn = ""; draw(); if (current) wave(); });
    window.addEventListener("hashchange", route); window.addEventListener("beforeprint", printed); document.addEventListener("keydown", keys);
    $("play").onclick = toggle; $("step-back").onclick = () => step(-1 / (current.rate || 25)); $("step-on").onclick = () => step(1 / (current.rate || 25));
    $("previous").onclick = () => jump(false); $("next").onclick = () => jump(true);
    $("speed").onchange = () => { $("video").playbackRate = Number($("speed").value); };
    $("people").onchange = () => { lanes(); tick(); };
    $("link").onclick = () => { history.replaceState(null, "", `#/v/${current.id}?t=${now().toFixed(2)}`); if (navigator.clipboard) navigator.clipboard.writeText(location.href).catch(() => {}); };
    $("timeline").onclick = (event) => { const lane = $("lanes").getBoundingClientRect(); if (event.clientX >= lane.left) seek((event.clientX - lane.left) / lane.width * current.duration); };
    $("video").addEventListener("error", () => { $("trouble").textContent = "Your browser cannot play this video from here. It may have moved, or have a form that browsers do not play; tvsl view serves it from anywhere on the disk."; });
    $("theme").onclick = () => { const dark = matchMedia("(prefers-color-scheme:dark)").matches, now = document.documentElement.dataset.theme || (dark ? "dark" : "light"); document.documentElement.dataset.theme = now === "dark" ? "light" : "dark"; try { localStorage.setItem("tvsl-theme", document.documentElement.dataset.theme); } catch { /* private mode */ } if (current) wave(); };
    try { const kept = localStorage.getItem("tvsl-theme"); if (kept) document.documentElement.dataset.theme = kept; } catch { /* private mode */ }
    choose(); route(); requestAnimationFrame(loop);
  }
  return { start, rows: (more) => rows.push(...more), video: (found) => { videos.set(found.id, found); const then = waiting.get(found.id); if (then) { waiting.delete(found.id); then(found); } } };
})();
