/** A record as a picture, or as its name where there is no picture of it. */
import { html, type Html } from '../html';

/** Only pictures inside the page: any other address would be a request. */
const pictureData = /^data:image\/(?:png|webp);base64,[A-Za-z0-9+/=]+$/;

export function picture(images: ReadonlyMap<string, string>, path: string, description: string): Html {
  const source = images.get(path);
  if (source === undefined || !pictureData.test(source)) {
    return html`<span class="thumb missing" title="${path}"><bdi>${path}</bdi></span>`;
  }
  return html`<img
    class="thumb"
    src="${source}"
    alt="${description}"
    title="${path}"
    loading="lazy"
    decoding="async"
  />`;
}
