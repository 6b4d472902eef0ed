/** Resource indicators (RFC 8707 §2): absolute URIs without a fragment. */

export const resourceCharactersMax = 1024
export const resourcesMax = 16

/** True for an absolute `https` URI, or a loopback `http` one, without fragment and without user information. */
export function isResourceIndicator(text: string): boolean {
  if (text.length > resourceCharactersMax || !/^[!-~]+$/.test(text) || text.includes('#')) return false
  if (!URL.canParse(text)) return false
  const url = new URL(text)
  if (url.username !== '' || url.password !== '') return false
  return (
    url.protocol !== 'http:' || url.hostname === 'localhost' || url.hostname === '127.0.0.1' || url.hostname === '[::1]'
  )
}
