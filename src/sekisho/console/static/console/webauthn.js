// Asks this browser's authenticator before a form is sent. The form contains people/_authenticator.html:
//   <div data-webauthn="/authenticator/challenge/" data-purpose="sign-in" …> hidden fields, error, buttons </div>
// Only buttons inside that part ask the authenticator; the form then carries the answer and is sent as usual.

const text = (part, name, detail = "") => {
  const place = part.querySelector("[data-webauthn-error]");
  place.textContent = part.dataset[name] + (detail && ` (${detail})`);
  place.hidden = false;
  place.focus();
};

const post = async (url, form, purpose) => {
  const body = new FormData();
  body.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
  body.set("purpose", purpose);
  const answer = await fetch(url, { method: "POST", body, redirect: "error", signal: AbortSignal.timeout(15_000) });
  if (!answer.ok) throw new Error(`challenge ${answer.status}`);
  return answer.json();
};

const ask = async ({ mode, challenge, options }) => {
  const made =
    mode === "create"
      ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
      : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
  return { challenge, response: JSON.stringify(made.toJSON()) };
};

for (const part of document.querySelectorAll("[data-webauthn]")) {
  const form = part.closest("form");
  for (const button of part.querySelectorAll("button")) {
    button.disabled = false; // until now: a form sent without the authenticator's answer would only be refused
    button.addEventListener("click", async (event) => {
      event.preventDefault();
      if (!form.reportValidity()) return;
      const { webauthn, purpose } = part.dataset;
      const demo = button.dataset.webauthnDemo;
      if (!demo && !window.PublicKeyCredential?.parseRequestOptionsFromJSON) return text(part, "unsupported");
      button.disabled = true;
      try {
        const answered = demo ? await post(demo, form, purpose) : await ask(await post(webauthn, form, purpose));
        form.elements.webauthn_challenge.value = answered.challenge;
        form.elements.webauthn_response.value = answered.response;
        form.submit();
      } catch (error) {
        // What the browser's own dialog refused is said there; here only what to do next.
        text(part, "refused", error.name === "NotAllowedError" ? "" : error.message);
        button.disabled = false;
      }
    });
  }
}
