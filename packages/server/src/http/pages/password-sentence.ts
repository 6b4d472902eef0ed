/** What is wrong with a new password, said to the person who chose it. */

/** As it stands on pages and in fields; `domain/user/password.ts` has the rule. */
export const passwordCharactersMin = 8

export function passwordSentence(fault: 'too_short' | 'too_long' | 'not_text'): string {
  switch (fault) {
    case 'too_short':
      return `The new password is too short: it needs at least ${passwordCharactersMin} characters.`
    case 'too_long':
      return 'The new password is too long.'
    case 'not_text':
      return 'The new password has characters in it that cannot be typed again.'
  }
}
