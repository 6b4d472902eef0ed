/** Where an answer arrives: all of an address but what comes with the answer. */
export function redirectPlace(address: string | URL): string {
  const { protocol, host, pathname } = new URL(address)
  return `${protocol}//${host}${pathname}`
}
