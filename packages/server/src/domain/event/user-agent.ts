/** The user agent as everyone keeps it, so that the log, the family's row and `explain` speak of one and the same text. */

export const userAgentCharactersMax = 200

export function keptUserAgent(sent: string | undefined): string {
  return (sent ?? '').slice(0, userAgentCharactersMax)
}
