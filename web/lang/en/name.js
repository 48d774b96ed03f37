export default {
  free: "{url} is free",
  "not.taken": "This name is taken.",
  "not.reserved": "This name is reserved.",
  "not.empty": "A name is needed.",
  "not.too_long": "At most 30 characters.",
  "not.first_letter": "It must begin with a letter from a to z.",
  "not.punycode": "It must not begin with xn--.",
  "not.last_hyphen": "It must not end with a hyphen.",
  "not.two_hyphens": "No two hyphens in a row.",
  "not.characters": "Only a to z, 0 to 9 and single hyphens.",
};
