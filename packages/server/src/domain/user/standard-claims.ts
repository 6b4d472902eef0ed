/** Of the scope `profile` (OIDC Core §5.1, §5.4): what is a text. */
export const profileTexts = [
  'name',
  'family_name',
  'given_name',
  'middle_name',
  'nickname',
  'preferred_username',
  'profile',
  'picture',
  'website',
  'gender',
  'birthdate',
  'zoneinfo',
  'locale',
] as const
