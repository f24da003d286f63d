// Every visible word whose colour is too close to what lies behind it (WCAG 2.2, 1.4.3: 4.5 to 1, large words 3 to 1).
() => {
  const parse = (colour) => colour.match(/[\d.]+/g).map(Number);
  const over = ([r, g, b, a = 1], below) => [r, g, b].map((part, place) => part * a + below[place] * (1 - a));
  const light = (colour) => {
    const [r, g, b] = colour.map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const before = getComputedStyle(at, '::before');
      if (before.content !== 'none' && before.position === 'absolute' && at.matches('.chips button')) layers.push(parse(before.backgroundColor));
      layers.push(parse(getComputedStyle(at).backgroundColor));
    }
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255]);
  };
  const pale = [];
  for (const element of document.querySelectorAll('body *')) {
    const words = [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data.trim()).join('');
    if (!words || !element.checkVisibility({ visibilityProperty: true }) || element.closest('[inert]')) continue;
    const style = getComputedStyle(element);
    const back = behind(element);
    const [high, low] = [light(over(parse(style.color), back)), light(back)].sort((a, b) => b - a);
    const ratio = (high + 0.05) / (low + 0.05);
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (isLarge ? 3 : 4.5)) pale.push(`${words.slice(0, 30)}: ${ratio.toFixed(2)}`);
  }
  return pale;
}
