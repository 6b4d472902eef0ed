/** What each scope means to the person who is asked. */

import { type Html, html } from './html.ts'

const sentences: { readonly [scope: string]: string } = {
  openid: 'Recognise you when you come back',
  profile: 'See your profile, such as your name, picture and language',
  email: 'See your e-mail address',
  phone: 'See your telephone number',
  address: 'See your postal address',
  offline_access: 'Go on working for you while you are away',
}

/** Scopes of the operator's own have no sentence here and are shown as they are. */
export function scopeSentence(scope: string): Html {
  const sentence = Object.hasOwn(sentences, scope) ? sentences[scope] : undefined
  return sentence === undefined ? html`Use the permission <code><bdi>${scope}</bdi></code>` : html`${sentence}`
}
