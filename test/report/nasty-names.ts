/** Names that a data set may have and a page must survive. */
export const nastyNames = {
  script: '<script>alert("cheese")</script>',
  attribute: '"><img src=x onerror=alert(1)>',
  rightToLeft: 'תפוחים \u202E ירוקים',
  emoji: '🍎 apples & "pears" 👩🏽‍🌾',
  long: 'a-very-long-class-name-'.repeat(14),
};
