// A plane of points on a canvas: where it is looked at from, and what is drawn of it. Nothing here knows of documents.

const ROUND = 3000; // points to be seen up to which each is a round dot; of more each is a few pixels
const HUNDREDS = 1500; // points to be seen up to which some show their pictures
const PICTURES = 140; // at a time
const KEPT = 500; // decoded pictures
const GREY = "#8e8c88";

// points: { x, y: Float32Array from 0 to 1, colours: per point a number of `palette`, order: numbers as they are to be preferred }.
// pictureOf(number): a promise of a picture's address or null. changed(): after each drawing.
export class Plane {
  constructor(canvas, points, pictureOf, changed) {
    Object.assign(this, { canvas, points, pictureOf, changed });
    this.context = canvas.getContext("2d", { alpha: false });
    this.at = { x: 0.5, y: 0.5, zoom: 1 };
    this.extent = [points.x, points.y].map((axis) => Math.max(0.01, 2 * axis.reduce((most, value) => Math.max(most, Math.abs(value - 0.5)), 0)));
    this.colours = { of: new Uint8Array(points.x.length), palette: [GREY], bright: null };
    this.pictures = new Map(); // number to { image, ready }
    this.shown = []; // numbers with pictures, as they were placed when the view last rested
    this.here = -1;
    this.frame = 0;
    this.rest = 0;
  }

  // CSS pixels of the plane's side; at a zoom of 1 all points are to be seen.
  get scale() {
    return Math.min(this.width / this.extent[0], this.height / this.extent[1]) * 0.88 * this.at.zoom;
  }

  resize() {
    const { clientWidth, clientHeight } = this.canvas;
    this.ratio = Math.min(devicePixelRatio || 1, 2);
    [this.width, this.height] = [clientWidth, clientHeight];
    [this.canvas.width, this.canvas.height] = [Math.round(clientWidth * this.ratio), Math.round(clientHeight * this.ratio)];
    this.pixels = null;
    this.moved();
  }

  look({ x = this.at.x, y = this.at.y, zoom = this.at.zoom }) {
    const within = (value, least, most) => Math.min(Math.max(value, least), most);
    this.at = { x: within(x, -0.1, 1.1), y: within(y, -0.1, 1.1), zoom: within(zoom, 0.7, 400) };
    this.moved();
  }

  // In CSS pixels.
  pan(right, down) {
    this.look({ x: this.at.x - right / this.scale, y: this.at.y - down / this.scale });
  }

  // What lies under the place keeps its place.
  zoom(factor, left = this.width / 2, top = this.height / 2) {
    const before = this.placeOf(left, top);
    this.look({ zoom: this.at.zoom * factor });
    const after = this.placeOf(left, top);
    this.look({ x: this.at.x + before.x - after.x, y: this.at.y + before.y - after.y });
  }

  placeOf(left, top) {
    return { x: this.at.x + (left - this.width / 2) / this.scale, y: this.at.y + (top - this.height / 2) / this.scale };
  }

  spotOf(number) {
    const { x, y } = this.points;
    return [(x[number] - this.at.x) * this.scale + this.width / 2, (y[number] - this.at.y) * this.scale + this.height / 2];
  }

  moved() {
    clearTimeout(this.rest);
    this.rest = setTimeout(() => this.rested(), 120);
    this.draw();
  }

  draw() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      if (this.width) this.drawn();
    });
  }

  end() {
    clearTimeout(this.rest);
    cancelAnimationFrame(this.frame);
  }

  visible(margin = 0) {
    const { x, y } = this.points;
    const a = this.placeOf(-margin, -margin);
    const b = this.placeOf(this.width + margin, this.height + margin);
    const found = [];
    for (let number = 0; number < x.length; number++) {
      if (x[number] >= a.x && x[number] <= b.x && y[number] >= a.y && y[number] <= b.y) found.push(number);
    }
    return found;
  }

  // The points nearest to a spot, the nearest first, within so many CSS pixels.
  nearest(left, top, count, within = Infinity) {
    const spot = this.placeOf(left, top);
    const reach = (within / this.scale) ** 2;
    const { x, y } = this.points;
    const best = [];
    for (let number = 0; number < x.length; number++) {
      const far = (x[number] - spot.x) ** 2 + (y[number] - spot.y) ** 2;
      if (far > reach || (best.length === count && far >= best[count - 1][0])) continue;
      let place = best.length;
      while (place > 0 && best[place - 1][0] > far) place--;
      best.splice(place, 0, [far, number]);
      if (best.length > count) best.pop();
    }
    return best.map(([, number]) => number);
  }

  // A point, or the picture that is shown for one.
  under(left, top) {
    const [wide, high] = this.sizeOfPictures();
    const hit = (number) => {
      const [x, y] = this.spotOf(number);
      return Math.abs(x - left) <= wide / 2 && Math.abs(y - top) <= high / 2;
    };
    return this.shown.findLast(hit) ?? this.nearest(left, top, 1, 12)[0] ?? -1;
  }

  sizeOfPictures() {
    const wide = Math.min(128, Math.max(64, 50 + 10 * Math.log2(Math.max(this.at.zoom, 1))));
    return [wide, (wide * 9) / 16];
  }

  // Which points show their pictures: those preferred, of which none covers another.
  rested() {
    if (!this.width) return;
    const [wide, high] = this.sizeOfPictures();
    const seen = this.visible();
    const taken = new Map();
    this.shown = [];
    if (seen.length <= HUNDREDS) {
      const rank = this.points.rank;
      for (const number of seen.sort((a, b) => rank[a] - rank[b])) {
        if (this.shown.length === PICTURES) break;
        if (this.colours.bright && !this.colours.bright[number]) continue;
        const [x, y] = this.spotOf(number);
        if (!free(taken, x, y, wide + 4, high + 4)) continue;
        this.shown.push(number);
      }
    }
    for (const number of this.shown) this.want(number);
    this.draw();
    this.changed(true);
  }

  want(number) {
    if (this.pictures.has(number)) return;
    const picture = { image: null, ready: false };
    this.pictures.set(number, picture);
    this.pictureOf(number).then(async (address) => {
      if (!address) return;
      const image = new Image();
      image.src = address;
      await image.decode();
      Object.assign(picture, { image, ready: true });
      this.draw();
    }).catch(() => {}); // a picture that is there no more: its point stays
    for (const old of this.pictures.keys()) {
      if (this.pictures.size <= KEPT) break;
      if (!this.shown.includes(old)) this.pictures.delete(old);
    }
  }

  drawn() {
    const seen = this.visible(8);
    const style = getComputedStyle(this.canvas);
    this.ground = style.backgroundColor;
    this.context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    if (seen.length > ROUND) this.drawPixels(seen);
    else this.drawDots(seen);
    this.drawPictures(style);
    this.drawHere(style);
    this.changed(false);
  }

  drawDots(seen) {
    const { context } = this;
    const { of, palette, bright } = this.colours;
    context.fillStyle = this.ground;
    context.fillRect(0, 0, this.width, this.height);
    const radius = Math.min(6, Math.max(2.5, 2 + Math.log2(Math.max(this.at.zoom, 1)) / 2 + (seen.length < 400 ? 1.5 : 0)));
    const groups = new Map();
    for (const number of seen) {
      const group = bright && !bright[number] ? -1 : of[number];
      if (!groups.has(group)) groups.set(group, []);
      groups.get(group).push(number);
    }
    for (const [group, numbers] of [...groups].sort((a, b) => a[0] - b[0])) {
      context.fillStyle = group < 0 ? GREY : palette[group];
      context.globalAlpha = group < 0 ? 0.25 : 0.9;
      context.beginPath();
      for (const number of numbers) {
        const [x, y] = this.spotOf(number);
        context.moveTo(x + radius, y);
        context.arc(x, y, radius, 0, 7);
      }
      context.fill();
    }
    context.globalAlpha = 1;
  }

  // Pixel by pixel: a hundred thousand dots in the time of a frame.
  drawPixels(seen) {
    const [wide, high] = [this.canvas.width, this.canvas.height];
    this.pixels ??= this.context.createImageData(wide, high);
    const words = new Uint32Array(this.pixels.data.buffer);
    words.fill(packed(this.ground));
    const { of, palette, bright } = this.colours;
    const inks = palette.map(packed);
    const faint = mixed(packed(GREY), packed(this.ground), 0.3);
    const side = Math.max(2, Math.round((seen.length > 30000 ? 2 : 3) * this.ratio));
    const { x, y } = this.points;
    const scale = this.scale * this.ratio;
    const left = wide / 2 - this.at.x * scale - side / 2;
    const top = high / 2 - this.at.y * scale - side / 2;
    const passes = bright ? [false, true] : [true]; // what is bright lies above
    for (const lit of passes) {
      for (const number of seen) {
        if (bright && Boolean(bright[number]) !== lit) continue;
        const ink = lit ? inks[of[number]] : faint;
        const column = Math.round(x[number] * scale + left);
        const row = Math.round(y[number] * scale + top);
        if (column < 0 || row < 0 || column + side > wide || row + side > high) continue;
        for (let down = 0, start = row * wide + column; down < side; down++, start += wide) {
          for (let right = 0; right < side; right++) words[start + right] = ink;
        }
      }
    }
    this.context.putImageData(this.pixels, 0, 0);
  }

  drawPictures() {
    const { context } = this;
    const [wide, high] = this.sizeOfPictures();
    const { of, palette } = this.colours;
    for (const number of this.shown) {
      const picture = this.pictures.get(number);
      if (!picture?.ready) continue;
      const [x, y] = this.spotOf(number);
      if (x < -wide || y < -high || x > this.width + wide || y > this.height + high) continue;
      context.fillStyle = palette[of[number]];
      context.beginPath();
      context.roundRect(x - wide / 2 - 2, y - high / 2 - 2, wide + 4, high + 4, 6);
      context.fill();
      covered(context, picture.image, x - wide / 2, y - high / 2, wide, high);
    }
  }

  drawHere(style) {
    if (this.here < 0) return;
    const { context } = this;
    const [x, y] = this.spotOf(this.here);
    const [wide, high] = this.shown.includes(this.here) ? this.sizeOfPictures() : [10, 10];
    context.strokeStyle = style.color;
    context.lineWidth = 2.5;
    context.beginPath();
    context.roundRect(x - wide / 2 - 4, y - high / 2 - 4, wide + 8, high + 8, 8);
    context.stroke();
  }
}

// Whether a box has its place to itself, which it then takes.
function free(taken, x, y, wide, high) {
  const column = Math.floor(x / wide);
  const row = Math.floor(y / high);
  for (let c = column - 1; c <= column + 1; c++) {
    for (let r = row - 1; r <= row + 1; r++) {
      const there = taken.get(`${c} ${r}`);
      if (there && Math.abs(there[0] - x) < wide && Math.abs(there[1] - y) < high) return false;
    }
  }
  taken.set(`${column} ${row}`, [x, y]);
  return true;
}

// As object-fit: cover.
function covered(context, image, left, top, wide, high) {
  const scale = Math.max(wide / image.width, high / image.height);
  const [w, h] = [wide / scale, high / scale];
  context.drawImage(image, (image.width - w) / 2, (image.height - h) / 2, w, h, left, top, wide, high);
}

// A colour, #rrggbb or rgb(…), as a little-endian RGBA word.
function packed(colour) {
  const parts = colour.startsWith("#") ? [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)) : colour.match(/\d+/g).map(Number);
  return ((255 << 24) | (parts[2] << 16) | (parts[1] << 8) | parts[0]) >>> 0;
}

function mixed(a, b, share) {
  const part = (at) => Math.round(((a >> at) & 255) * share + ((b >> at) & 255) * (1 - share)) << at;
  return ((255 << 24) | part(16) | part(8) | part(0)) >>> 0;
}
