'use strict';
(function () {
	const svg = (document.currentScript && document.currentScript.ownerSVGElement) || document.documentElement;
	const namespace = 'http://www.w3.org/2000/svg';
	const margin = 10;
	const minShown = 0.3;
	const bar = svg.querySelector('#bar');
	const details = svg.querySelector('#details');
	const title = svg.querySelector('#title');
	const unit = svg.dataset.unit;
	const total = Number(svg.dataset.total);
	const height = Number(svg.getAttribute('height'));
	const isPage = svg === document.documentElement;
	const summary = details.textContent;
	const heading = title.textContent;

	// Boxes come depth first, so the box of the caller is the last one that is less deep.
	const boxes = [];
	const path = [];
	for (const element of svg.querySelectorAll('.b')) {
		const data = element.dataset;
		const box = {
			element, rect: element.querySelector('rect'), text: element.querySelector('text'), name: data.n, index: boxes.length,
			depth: Number(data.d), start: Number(data.x), total: Number(data.t), self: Number(data.s), calls: Number(data.c),
			found: false, shown: true,
		};
		path.length = box.depth;
		box.caller = path[box.depth - 1] || null;
		path.push(box);
		element.box = box;
		boxes.push(box);
	}
	let zoomed = boxes[0] || null;
	let at = null;
	let width = 0;

	function amount(value) {
		if (unit !== 'ns')
			return value + ' ' + unit;
		if (value < 1e3)
			return value + ' ns';
		if (value < 1e6)
			return (value / 1e3).toFixed(3) + ' µs';
		if (value < 1e9)
			return (value / 1e6).toFixed(3) + ' ms';
		return (value / 1e9).toFixed(3) + ' s';
	}

	function percent(part) {
		return (total ? 100 * part / total : 0).toFixed(2) + ' %';
	}

	// Characters that are as wide as two others.
	const wide = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\ud83c-\ud87f][\udc00-\udfff]/gu;

	function shorten(text, room) {
		if (room >= text.length && (room >= 2 * text.length || text.replace(wide, '..').length <= room))
			return text;
		let short = '';
		let used = 1;
		for (const character of text) {
			used += character.replace(wide, '..') === '..' ? 2 : 1;
			if (used > room)
				break;
			short += character;
		}
		return short.length < 2 ? '' : short + '…';
	}

	function characterWidth() {
		const text = document.createElementNS(namespace, 'text');
		const group = document.createElementNS(namespace, 'g');
		group.setAttribute('class', 'b');
		text.textContent = 'MMMMMMMMMM';
		group.append(text);
		svg.append(group);
		const measured = text.getComputedTextLength() / 10;
		group.remove();
		return measured || 6.63;
	}
	const character = characterWidth();

	function place(box, x, boxWidth) {
		box.rect.setAttribute('x', x.toFixed(2));
		box.rect.setAttribute('width', boxWidth.toFixed(2));
		box.text.setAttribute('x', (x + 3).toFixed(2));
		const text = shorten(box.name, Math.floor((boxWidth - 6) / character));
		if (box.text.textContent !== text)
			box.text.textContent = text;
	}

	// In a window of its own a pixel is a pixel, and the graph as wide as the window; it stands on the bottom.
	function fillHeight() {
		const room = Math.max(height, window.innerHeight);
		svg.setAttribute('height', room);
		svg.querySelector('#boxes').setAttribute('transform', 'translate(0 ' + (room - height) + ')');
	}

	function layout() {
		width = Math.max(svg.getBoundingClientRect().width || window.innerWidth, 200);
		if (!zoomed)
			return;
		const room = width - 2 * margin;
		const end = zoomed.start + zoomed.total;
		for (const box of boxes) {
			const isCaller = box.depth < zoomed.depth && box.start <= zoomed.start && box.start + box.total >= end;
			const from = Math.max(box.start, zoomed.start);
			const to = Math.min(box.start + box.total, end);
			const boxWidth = (to - from) / zoomed.total * room;
			box.shown = isCaller || (box.depth >= zoomed.depth && boxWidth >= minShown);
			box.element.style.display = box.shown ? '' : 'none';
			box.element.classList.toggle('caller', isCaller);
			if (box.shown)
				place(box, margin + (from - zoomed.start) / zoomed.total * room, boxWidth);
		}
		placeBar();
	}

	function describe(box) {
		if (!box) {
			details.textContent = shorten(summary, Math.floor((width - 2 * margin) / 6.5));
			return;
		}
		let text = ': ' + amount(box.total) + ', ' + percent(box.total) + '; self ' + amount(box.self) + ', ' + percent(box.self);
		if (box.calls)
			text += '; ' + box.calls + (box.calls === 1 ? ' call' : ' calls');
		details.textContent = shorten(box.name, Math.max(8, Math.floor((width - 2 * margin) / 6.8) - text.length)) + text;
	}

	function select(box) {
		if (at)
			at.element.classList.remove('at');
		at = box;
		if (at)
			at.element.classList.add('at');
		describe(at);
	}

	function zoom(box) {
		zoomed = box;
		if (box.depth === 0)
			reset.setAttribute('aria-disabled', 'true');
		else
			reset.removeAttribute('aria-disabled');
		layout();
		select(box.depth === 0 ? null : box);
	}

	function search(text) {
		let pattern = null;
		if (text) {
			try {
				pattern = new RegExp(text, 'iu');
			} catch (error) {
				pattern = new RegExp(text.replace(/[.*+?^${}()|[\]\\\/-]/g, '\\$&'), 'i');
			}
		}
		let count = 0;
		let covered = 0;
		let end = 0;
		for (const box of boxes) {
			box.found = pattern !== null && box.depth > 0 && pattern.test(box.name);
			box.element.classList.toggle('found', box.found);
			if (!box.found)
				continue;
			count++;
			// Of boxes above each other the lowest one counts; it comes first.
			if (box.start >= end) {
				covered += box.total;
				end = box.start + box.total;
			}
		}
		message.textContent = pattern ? percent(covered) + ' in ' + count + (count === 1 ? ' box' : ' boxes') : '';
	}

	// Controls are made here: where scripts do not run they would be of no use.
	const input = document.createElementNS('http://www.w3.org/1999/xhtml', 'input');
	input.id = 'search';
	input.type = 'search';
	input.placeholder = 'Search  ( / )';
	input.setAttribute('aria-label', 'Search for functions, by a regular expression');
	input.spellcheck = false;
	input.autocomplete = 'off';
	const frame = document.createElementNS(namespace, 'foreignObject');
	frame.setAttribute('x', margin);
	frame.setAttribute('y', 54);
	frame.setAttribute('width', 170);
	frame.setAttribute('height', 32);
	frame.append(input);

	const reset = document.createElementNS(namespace, 'g');
	reset.id = 'reset';
	reset.setAttribute('role', 'button');
	reset.setAttribute('tabindex', '0');
	reset.setAttribute('aria-disabled', 'true');
	reset.innerHTML = '<rect x="188" y="54" width="98" height="30" rx="4"/><text x="237" y="73" text-anchor="middle">Reset zoom</text>';

	const message = document.createElementNS(namespace, 'text');
	message.id = 'message';
	message.setAttribute('x', 296);
	message.setAttribute('y', 73);
	message.setAttribute('aria-live', 'polite');
	bar.append(frame, reset, message);

	function placeBar() {
		bar.setAttribute('transform', 'translate(0 ' + (isPage ? window.scrollY : 0) + ')');
		title.textContent = shorten(heading, Math.floor((width - 2 * margin) / 9.5));
	}

	function boxOf(event) {
		const element = event.target.closest ? event.target.closest('.b') : null;
		return element ? element.box : null;
	}

	function neighbour(key) {
		const from = at || zoomed;
		if (key === 'ArrowDown')
			return from.caller;
		const step = key === 'ArrowLeft' ? -1 : 1;
		for (let i = from.index + step; i >= 0 && i < boxes.length; i += step) {
			const box = boxes[i];
			if (key === 'ArrowUp' ? box.depth <= from.depth : box.depth < from.depth)
				return null;
			if (box.shown && (key === 'ArrowUp' ? box.caller === from : box.depth === from.depth))
				return box;
		}
		return null;
	}

	svg.addEventListener('mouseover', event => {
		const box = boxOf(event);
		if (box)
			select(box);
	});
	svg.addEventListener('mouseleave', () => select(zoomed && zoomed.depth ? zoomed : null));
	svg.addEventListener('click', event => {
		const box = boxOf(event);
		if (box) {
			zoom(box);
			select(box);
		}
	});
	reset.addEventListener('click', () => boxes.length && zoom(boxes[0]));
	input.addEventListener('input', () => search(input.value));
	window.addEventListener('scroll', placeBar, { passive: true });
	window.addEventListener('resize', () => {
		if (isPage)
			fillHeight();
		layout();
	});
	window.addEventListener('keydown', event => {
		const isTyping = document.activeElement === input;
		if (event.key === 'Escape') {
			if (isTyping || input.value) {
				input.value = '';
				search('');
				input.blur();
			} else if (boxes.length) {
				zoom(boxes[0]);
			}
			event.preventDefault();
			return;
		}
		if (isTyping || event.ctrlKey || event.metaKey || event.altKey || !boxes.length)
			return;
		if (event.key === '/') {
			input.focus();
			input.select();
			event.preventDefault();
		} else if (event.key === 'Enter') {
			if (document.activeElement === reset)
				zoom(boxes[0]);
			else if (at)
				zoom(at);
		} else if (event.key.startsWith('Arrow')) {
			const box = neighbour(event.key);
			if (box)
				select(box);
			event.preventDefault();
		}
	});

	if (isPage) {
		svg.removeAttribute('viewBox');
		svg.setAttribute('width', '100%');
		fillHeight();
		window.scrollTo(0, height);
	}
	layout();
	describe(null);
})();
