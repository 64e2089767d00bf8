// Plain sentences at the top of the page, for what went wrong.

const place = document.getElementById("messages");

/** Shows a sentence until it is closed or the next one comes. */
export function say(text) {
  const message = document.createElement("p");
  message.className = "message";
  message.append(text);
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = "close";
  close.addEventListener("click", quiet);
  message.append(close);
  place.replaceChildren(message);
}

/** Takes the sentence away. */
export function quiet() {
  place.replaceChildren();
}
