/** Where a person goes on after signing in: a path of the application, and nothing that a browser could take for more. */

export const returnToCharactersMax = 1024

/** The path with its query and fragment, or null. */
export function checkedReturnTo(text: string | null, origin: string): string | null {
  if (text === null) return '/'
  if (text.length > returnToCharactersMax || !/^\/(?![/\\])[\x21-\x7e]*$/.test(text) || text.includes('\\')) return null
  const url = URL.canParse(text, origin) ? new URL(text, origin) : null
  return url === null || url.origin !== origin ? null : `${url.pathname}${url.search}${url.hash}`
}
