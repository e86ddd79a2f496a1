// Two things need a script: the clocks that count down, and the news of the session.

const clocks = document.querySelectorAll('[data-clock]');
for (const clock of clocks) setClock(clock, Number(clock.dataset.left));
if (clocks.length > 0) setInterval(() => clocks.forEach(showClock), 1000);

function setClock(clock, left) {
	clock.ends = performance.now() + left;
	showClock(clock);
}

// showClock writes the two largest units, as the server does.
function showClock(clock) {
	const s = Math.max(0, Math.floor((clock.ends - performance.now()) / 1000));
	const minutes = Math.floor(s / 60), hours = Math.floor(s / 3600), days = Math.floor(s / 86400);
	if (days > 0) clock.textContent = `${days} d ${hours % 24} h`;
	else if (hours > 0) clock.textContent = `${hours} h ${minutes % 60} min`;
	else clock.textContent = `${minutes} min ${s % 60} s`;
}

// A page that shows a session follows it. The server sends its state, and its end.
let source;
if ('live' in document.body.dataset) {
	follow();
	// What a form ends is told by the next page.
	addEventListener('submit', () => source.close());
}

function follow() {
	source = new EventSource('/live');
	source.addEventListener('state', event => showState(JSON.parse(event.data)));
	source.addEventListener('end', () => {
		source.close();
		document.querySelector('nav form')?.remove();
		document.getElementById('content').hidden = true;
		document.getElementById('ended').hidden = false;
	});
	source.addEventListener('error', () => {
		// The browser tries again by itself, but not after an error page.
		if (source.readyState === EventSource.CLOSED) setTimeout(follow, 3000);
	});
}

// showState leaves what has not changed: a button that is replaced loses its click.
function showState(state) {
	for (const part of ['cart', 'bindings']) {
		const element = document.getElementById(part), next = element?.cloneNode();
		if (!element) continue;
		next.innerHTML = state[part];
		if (!next.isEqualNode(element)) element.replaceWith(next);
	}
	for (const clock of clocks) setClock(clock, state[clock.dataset.clock]);
}
