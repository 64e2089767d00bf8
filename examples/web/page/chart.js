// How the picture of the costs follows the page, which it stands in with a style of its own.

/** Rules that win over the picture's own by being more exact. */
export const LIGHT_AND_DARK = `
  svg { display: block; width: 100%; height: auto; }
  @media (prefers-color-scheme: dark) {
    svg > rect { fill: transparent; }
    svg text { fill: #c8ced6; }
    svg text.name, svg text.heading { fill: #f2f4f7; }
    svg text.sub { fill: #a9b2bd; }
    svg line.grid { stroke: #333b45; }
    svg line.axis { stroke: #7d8894; }
    svg [fill="#0072b2"] { fill: #56b4e9; }
    svg [fill="#c44e00"] { fill: #f08a4b; }
  }
`;
