// The three views: arrow keys move between their tabs, as in any tab list.

/** `shown(name)` is called with the name of the view that has just been opened. */
export function tabs(list, shown) {
  const all = [...list.querySelectorAll('[role="tab"]')];
  const open = (tab) => {
    for (const other of all) {
      const chosen = other === tab;
      other.setAttribute("aria-selected", String(chosen));
      other.tabIndex = chosen ? 0 : -1;
      document.getElementById(other.getAttribute("aria-controls")).hidden = !chosen;
    }
    shown(tab.getAttribute("aria-controls"));
  };
  for (const [index, tab] of all.entries()) {
    tab.addEventListener("click", () => open(tab));
    tab.addEventListener("keydown", (event) => {
      const to = {
        ArrowRight: (index + 1) % all.length,
        ArrowLeft: (index + all.length - 1) % all.length,
        Home: 0,
        End: all.length - 1,
      }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      all[to].focus();
      open(all[to]);
    });
  }
}
