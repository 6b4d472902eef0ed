/** The values of `prompt` (OIDC Core §3.1.2.1, OpenID Connect Prompt Create §2). `none` and `create` stand alone. */

export const prompts = ['none', 'login', 'consent', 'select_account', 'create'] as const
export type Prompt = (typeof prompts)[number]

/** Null when a value is unknown, or when one that stands alone has company. */
export function parsePrompts(text: string): readonly Prompt[] | null {
  const values = new Set(text.split(' '))
  if ((values.has('none') || values.has('create')) && values.size > 1) return null
  const known: Prompt[] = []
  for (const value of values) {
    const prompt = prompts.find(each => each === value)
    if (prompt === undefined) return null
    known.push(prompt)
  }
  return known
}
