// "Back" after signing out must show nothing of the account. A browser keeps whole pages to go back to, whatever they
// say about storing, and a sign-out on another device changes nothing here that it could notice. So the page hides on
// its way into that memory, and asks the shop again when it comes out of it.
addEventListener("pagehide", () => { document.documentElement.hidden = true })
addEventListener("pageshow", event => { if (event.persisted) location.reload() })
