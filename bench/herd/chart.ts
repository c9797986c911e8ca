// How much of the herd is back, over time, as a picture.

export interface Curve {
  readonly name: string;
  readonly colour: string;
  /** When each client was back, in seconds, in order. */
  readonly backAt: readonly number[];
  readonly clients: number;
}

const [WIDTH, HEIGHT, LEFT, TOP, PLOT_WIDTH, PLOT_HEIGHT] = [860, 420, 60, 50, 560, 310];
const POINTS = 200;

export function chart(title: string, seconds: number, curves: readonly Curve[]): string {
  const x = (at: number): number => LEFT + (at / seconds) * PLOT_WIDTH;
  const y = (share: number): number => TOP + (1 - share) * PLOT_HEIGHT;
  const text = (at: readonly [number, number], words: string, more = ""): string =>
    `<text x="${at[0].toFixed(1)}" y="${at[1].toFixed(1)}" ${more}>${words}</text>`;
  const ticks = Array.from({ length: 7 }, (_, i) => (i * seconds) / 6);
  const shares = [0, 0.25, 0.5, 0.75, 1];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="13">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    text([LEFT, 28], title, 'font-size="16" font-weight="bold"'),
    ...shares.map((share) => grid([LEFT, y(share)], [LEFT + PLOT_WIDTH, y(share)])),
    ...shares.map((share) => text([LEFT - 8, y(share) + 4], `${share * 100} %`, 'text-anchor="end"')),
    ...ticks.map((at) => grid([x(at), TOP], [x(at), TOP + PLOT_HEIGHT])),
    ...ticks.map((at) => text([x(at), TOP + PLOT_HEIGHT + 20], `${at.toFixed(0)} s`, 'text-anchor="middle"')),
    text([LEFT + PLOT_WIDTH / 2, HEIGHT - 12], "after the relay is back", 'text-anchor="middle"'),
    ...curves.map((curve) => line(curve, seconds, x, y)),
    ...curves.map(({ name, colour }, i) =>
      text([LEFT + PLOT_WIDTH + 20, TOP + 16 + 24 * i], name, `fill="${colour}"`),
    ),
    "</svg>",
    "",
  ].join("\n");
}

function grid([x1, y1]: readonly [number, number], [x2, y2]: readonly [number, number]): string {
  return `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" stroke="#ddd"/>`;
}

function line(
  { colour, backAt, clients }: Curve,
  seconds: number,
  x: (at: number) => number,
  y: (share: number) => number,
): string {
  let back = 0;
  const points = Array.from({ length: POINTS + 1 }, (_, i) => {
    const at = (i * seconds) / POINTS;
    while (back < backAt.length && (backAt[back] ?? Infinity) <= at) back += 1;
    return `${x(at).toFixed(1)},${y(back / clients).toFixed(1)}`;
  });
  return `<polyline points="${points.join(" ")}" fill="none" stroke="${colour}" stroke-width="2.5"/>`;
}
