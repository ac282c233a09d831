// cdktf loads `archiver` with itself, which takes as long as the rest of cdktf, for assets that are archives. Here it is loaded when one is made.
module.exports = (...args) => require("../node_modules/archiver")(...args);
